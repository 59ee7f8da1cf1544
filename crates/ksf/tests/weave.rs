//! `ksf weave`: what it writes, and how it answers a shell.
//!
//! `UPDATE_GOLDEN=1 cargo test -p ksf --test weave` writes the woven machines anew; their diff is what to review.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use claim_guard::access::AccessPolicy;
use claim_guard::identifier::WorkflowName;
use ksf::weave::{Refused, Woven, weave};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weave")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The machine of that file, woven as that workflow of the policy beside it.
fn woven(machine: &Path, workflow: &str) -> Result<Woven, Refused> {
    let access = machine.parent().unwrap().join("access.toml");
    let policy = AccessPolicy::parse("access.toml", &read(&access)).unwrap();
    let workflow = policy.workflow(&WorkflowName::parse(workflow).unwrap()).unwrap();
    weave(&read(machine), workflow)
}

/// The names of the folder's files that end like this, without that end.
fn names(folder: &Path, end: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    files.filter_map(|file| file.strip_suffix(end).map(str::to_owned)).collect()
}

/// The machines that are JSON, and those with placeholders outside of strings.
fn folders() -> [PathBuf; 2] {
    [folder(), folder().join("placeholders")]
}

#[test]
fn each_plain_machine_is_woven_as_its_golden_file_says() {
    for folder in folders() {
        let all = names(&folder, ".plain.asl.json");
        for name in &all {
            let Woven { machine, .. } = woven(&folder.join(format!("{name}.plain.asl.json")), name).unwrap();
            let golden = folder.join(format!("{name}.asl.json"));
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                std::fs::write(&golden, &machine).unwrap();
            }
            let told = "`UPDATE_GOLDEN=1` writes it, and `git diff` shows what has changed";
            assert!(machine == read(&golden), "{name}: {told}");
        }
        let goldens = names(&folder, ".asl.json").into_iter().filter(|name| !name.ends_with(".plain"));
        assert_eq!(goldens.collect::<BTreeSet<_>>(), all);
    }
}

#[test]
fn woven_machine_is_woven_to_itself() {
    for folder in folders() {
        for name in names(&folder, ".plain.asl.json") {
            let golden = folder.join(format!("{name}.asl.json"));
            assert!(woven(&golden, &name).unwrap().machine == read(&golden), "{name}");
        }
    }
}

/// Somebody has changed the woven file by hand, and wrote paths as they are in the author's.
#[test]
fn path_that_was_put_into_a_woven_machine_is_led_to_the_author_s_part_too() {
    let policy = AccessPolicy::parse("access.toml", &read(&folder().join("access.toml"))).unwrap();
    for (name, input) in
        [("execution-input", "$states.context.Execution.Input"), ("execution-input-json-path", "$$.Execution.Input")]
    {
        let golden = read(&folder().join(format!("{name}.asl.json")));
        let workflow = policy.workflow(&WorkflowName::parse(name).unwrap()).unwrap();
        let by_hand = golden.replacen(&format!("{input}.input.kind"), &format!("{input}.kind"), 2);
        assert!(by_hand != golden && weave(&by_hand, workflow).unwrap().machine == golden, "{name}");
    }
}

#[test]
fn machine_of_the_sample_is_what_weave_writes() {
    let output = ksf(&sample(&["--check", "statemachines/payment.asl.json"]), "");
    assert_eq!(
        (text(&output.stdout), text(&output.stderr), output.status.code()),
        (String::new(), String::new(), Some(0))
    );
}

#[test]
fn calls_without_an_identity_are_noted() {
    let notes = |name: &str| woven(&folder().join(format!("{name}.plain.asl.json")), name).unwrap().notes;
    let told = |state: &str, call: &str| {
        format!("state `{state}`: `arn:aws:states:::{call}` is called without an identity, as the machine's role may")
    };
    assert_eq!(notes("other-calls"), [told("Tell", "sns:publish"), told("Report", "states:startExecution")]);
    assert_eq!(notes("nested"), Vec::<String>::new());
}

#[test]
fn source_map_says_which_states_lead_elsewhere() {
    let Woven { source_map, .. } = woven(&folder().join("other-calls.plain.asl.json"), "other-calls").unwrap();
    let map: serde_json::Value = serde_json::from_str(&source_map).unwrap();
    assert_eq!(map["Tell"]["because"], "as the author wrote it, but for where it goes on");
    assert_eq!(map["Report"]["because"], "as the author wrote it");
}

#[test]
fn source_map_says_where_each_state_comes_from() {
    let Woven { machine, source_map, .. } = woven(&folder().join("parallel.plain.asl.json"), "parallel").unwrap();
    let map: serde_json::Value = serde_json::from_str(&source_map).unwrap();
    let machine: serde_json::Value = serde_json::from_str(&machine).unwrap();
    let row = |state: &str| {
        let row = &map[state];
        let found = machine.pointer(row["scope"].as_str().unwrap()).unwrap();
        assert!(found[state].is_object(), "{state} stands where the map says");
        (row["from"].as_str(), row["scope"].as_str().unwrap(), row["because"].as_str().unwrap())
    };
    let branch = "/States/Both/Branches/0/States";
    assert_eq!(row("ReceiveIdentity"), (None, "/States", "takes the token out of the input"));
    assert_eq!(row("Both"), (Some("Both"), "/States", "holds guarded states, and catches what they refuse"));
    let look = "looks whether the branches would each renew the same token";
    assert_eq!(row("Look before Both"), (Some("Both"), "/States", look));
    assert_eq!(row("Revalidate Both"), (Some("Both"), "/States", "renews the token once for all branches"));
    assert_eq!(row("ReceiveIdentity Both 1"), (Some("Both"), branch, "gives the branch a token of its own"));
    assert_eq!(row("ScreenPayer"), (Some("ScreenPayer"), branch, "guarded: `access.toml` names it"));
    assert_eq!(row("Revalidate ScreenPayer"), (Some("ScreenPayer"), branch, "renews a token that is too old"));
    assert_eq!(row("Reconsider ScreenPayer"), (Some("ScreenPayer"), branch, "asks once more after a denial"));
    assert_eq!(row("Price"), (Some("Price"), "/States/Both/Branches/1/States", "as the author wrote it"));
    assert_eq!(row("IdentityDenied"), (None, "/States", "a refusal ends here"));
    let all = map.as_object().unwrap();
    assert_eq!(all.len(), 27);
    for state in all.keys() {
        row(state);
    }
}

/// A machine of one guarded Task of that name, woven.
fn woven_task(name: &str) -> Result<Woven, Refused> {
    let policy = format!(
        "[workflows.w]\nsession = \"ignored\"\nmax_duration = \"365d\"\nstart.any_verified_caller = true\nstates.{name}.any_verified_caller = true\n"
    );
    let policy = AccessPolicy::parse("access.toml", &policy).unwrap();
    let task = "\"Type\": \"Task\", \"Resource\": \"arn:aws-cn:states:::lambda:invoke\", \"Parameters\": {\"FunctionName\": \"act\"}, \"End\": true";
    let machine = format!("{{\"StartAt\": \"{name}\", \"States\": {{\"{name}\": {{{task}}}}}}}");
    weave(&machine, policy.workflow(&WorkflowName::parse("w").unwrap()).unwrap())
}

#[test]
fn woven_names_have_80_characters_at_most() {
    let name = "x".repeat(80 - "Reconsider ".len());
    assert!(woven_task(&name).is_ok());
    let told = |woven: &str| {
        format!(
            "state `{name}x`: weave writes a state `{woven} {name}x` for it, which has 81 characters of 80; shorten its name"
        )
    };
    assert_eq!(woven_task(&format!("{name}x")).unwrap_err().reasons(), [told("Revalidate"), told("Reconsider")]);
}

#[test]
fn map_that_tolerates_zero_is_woven_in_every_spelling_of_it() {
    let plain = read(&folder().join("distributed.plain.asl.json"));
    let policy = AccessPolicy::parse("access.toml", &read(&folder().join("access.toml"))).unwrap();
    let workflow = policy.workflow(&WorkflowName::parse("distributed").unwrap()).unwrap();
    for zero in ["0", "-0", "0.0", "0e1", "\"{% 0 %}\""] {
        let tolerated = format!("\"ToleratedFailurePercentage\": {zero},");
        let machine = plain.replace("\"MaxConcurrency\"", &format!("{tolerated} \"MaxConcurrency\""));
        assert!(weave(&machine, workflow).unwrap().machine.contains(&tolerated), "{zero}");
    }
}

#[test]
fn woven_calls_are_of_the_machine_s_partition() {
    let Woven { machine, .. } = woven_task("Act").unwrap();
    assert_eq!(
        (machine.matches("arn:aws-cn:states:::lambda:invoke").count(), machine.matches("arn:aws:").count()),
        (3, 0)
    );
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn ksf(arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ksf"));
    command.args(arguments).current_dir(repository());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // The reader may be gone already: it has answered without the input.
    let _ = stdin.write_all(input.as_ref());
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The arguments that weave the sample, and these.
fn sample<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let all = ["weave", "--access", "access.toml", "--workflow", "payment", "statemachines/payment.plain.asl.json"];
    all.iter().chain(more).copied().collect()
}

#[test]
fn machine_is_read_from_standard_input_and_written_to_standard_output() {
    let arguments: Vec<&str> = sample(&[])
        .into_iter()
        .map(|argument| if argument.starts_with("statemachines") { "-" } else { argument })
        .collect();
    let output = ksf(&arguments, read(&repository().join("statemachines/payment.plain.asl.json")));
    assert!(text(&output.stdout) == read(&repository().join("statemachines/payment.asl.json")));
    assert_eq!((text(&output.stderr), output.status.code()), (String::new(), Some(0)));
}

#[test]
fn file_that_differs_is_answered_with_the_difference() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("woven-{}.asl.json", std::process::id()));
    let there = read(&repository().join("statemachines/payment.asl.json"));
    std::fs::write(&file, there.replace("\"StartAt\": \"ReceiveIdentity\",", "\"StartAt\": \"ReadParties\",")).unwrap();
    let name = file.to_str().unwrap();
    let output = ksf(&sample(&["--check", name]), "");
    std::fs::remove_file(&file).unwrap();
    let told = format!(
        "`{name}` is not what weave writes\n--- {name}\n+++ woven\n@@ line 4 @@\n-  \"StartAt\": \"ReadParties\",\n\
         +  \"StartAt\": \"ReceiveIdentity\",\n"
    );
    assert_eq!((text(&output.stdout), text(&output.stderr), output.status.code()), (told, String::new(), Some(1)));
}

#[test]
fn machine_in_another_encoding_is_called_so() {
    let utf_16 =
        |mark: &[u8], of: fn(u16) -> [u8; 2]| [mark.to_vec(), "{}".encode_utf16().flat_map(of).collect()].concat();
    let told = |encoding: &str| {
        format!("error: standard input is in {encoding}, and weave reads UTF-8; convert it, as `iconv -t UTF-8` does\n")
    };
    for (bytes, encoding) in [
        (utf_16(&[0xff, 0xfe], u16::to_le_bytes), "UTF-16"),
        (utf_16(&[0xfe, 0xff], u16::to_be_bytes), "UTF-16"),
        (utf_16(&[], u16::to_le_bytes), "UTF-16"),
        (b"{\"Comment\": \"caf\xe9\"}".to_vec(), "another encoding"),
    ] {
        let output = ksf(&["weave", "--access", "access.toml", "--workflow", "payment", "-"], bytes);
        assert_eq!((text(&output.stderr), output.status.code()), (told(encoding), Some(2)));
    }
}

#[test]
fn map_is_written_to_its_file() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("map-{}.json", std::process::id()));
    let output = ksf(&sample(&["--map", file.to_str().unwrap()]), "");
    let map: serde_json::Value = serde_json::from_str(&read(&file)).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(output.status.code(), Some(0));
    let told =
        serde_json::json!({"from": "ExecutePayment", "scope": "/States", "because": "renews a token that is too old"});
    assert_eq!(map["Revalidate ExecutePayment"], told);
}

#[test]
fn refused_machine_is_answered_with_a_line_for_each_reason() {
    let refused = "crates/ksf/tests/weave/refused";
    let access = format!("{refused}/access.toml");
    let machine = format!("{refused}/all_at_once.asl.json");
    let output = ksf(&["weave", "--access", &access, "--workflow", "plain", &machine], "");
    let lines: Vec<String> = text(&output.stderr).lines().map(str::to_owned).collect();
    assert_eq!((text(&output.stdout), output.status.code(), lines.len()), (String::new(), Some(2), 3));
    assert!(lines.iter().all(|line| line.starts_with("error: ")), "{lines:?}");
}

#[test]
fn unknown_workflow_is_told() {
    let output =
        ksf(&["weave", "--access", "access.toml", "--workflow", "other", "statemachines/payment.plain.asl.json"], "");
    assert_eq!(
        (text(&output.stderr), output.status.code()),
        ("error: `access.toml` has no workflow `other`\n".to_owned(), Some(2))
    );
}
