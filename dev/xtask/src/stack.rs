//! The stack of `template.yaml`: built and deployed with AWS SAM, into the emulator only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use roxmltree::{Document, Node};
use serde::{Deserialize, Serialize};

use crate::aws::Aws;
use crate::aws::{ACCESS_KEY, REGION};
use crate::cache;
use crate::cargo::is_of_the_running_crate;
use crate::failure::{Failure, OrFailure};
use crate::functions::Functions;
use crate::key_route;
use crate::process;
use crate::tools::Tools;

/// The stack's name; every lab has an emulator of its own, so all may use the same.
pub const NAME: &str = "workflows";
const BUCKET: &str = "lab-artifacts";

/// What was deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    /// The REST API's id.
    pub api: String,
    /// The API's stage.
    pub stage: String,
    /// The physical id of every resource by its logical id.
    pub resources: BTreeMap<String, Resource>,
    /// What the template's `Outputs` say, by name.
    pub outputs: BTreeMap<String, String>,
}

impl Stack {
    /// The public keys of revalidation's client, a JWK set.
    ///
    /// # Errors
    /// The template does not put them out.
    pub fn client_keys(&self) -> Result<&str, Failure> {
        let keys = self.outputs.get("ClientKeySet").map(String::as_str);
        keys.ok_or_else(|| Failure::new("the stack puts no ClientKeySet out", "see template.yaml, Outputs"))
    }
}

/// One resource of the stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Its type, such as `AWS::Lambda::Function`.
    pub kind: String,
    /// Its name or ARN.
    pub id: String,
}

/// Builds and deploys one template for one lab.
#[derive(Debug, Clone)]
pub struct Sam<'a> {
    /// The tools.
    pub tools: &'a Tools,
    /// The template.
    pub template: &'a Path,
    /// The lab's directory.
    pub directory: &'a Path,
    /// How the functions are compiled.
    pub functions: Functions,
}

impl Sam<'_> {
    /// Builds every function of the template.
    ///
    /// # Errors
    /// One does not compile; the failure shows the end of the build's output.
    pub fn build(&self, note: &dyn Fn(&str)) -> Result<(), Failure> {
        process::run(
            &mut self.build_command(),
            "sam build",
            &self.directory.join("logs/sam-build.log"),
            note,
            "read the build's output above; the functions must compile",
        )
    }

    /// `sam build` of every function of the template, or of one whose logical id is added.
    pub(crate) fn build_command(&self) -> Command {
        let mut sam = self.command("build");
        sam.args(["--parameter-overrides", &format!("Architecture={}", architecture())])
            .arg("--template-file")
            .arg(self.template)
            .arg("--build-dir")
            .arg(self.build_directory());
        sam
    }

    /// Deploys what was built into the account behind `endpoint`.
    ///
    /// # Errors
    /// The deployment fails; the failure shows the end of its output.
    pub fn deploy(
        &self,
        aws: &Aws,
        endpoint: &str,
        secret: &str,
        parameters: &[(&str, String)],
        note: &dyn Fn(&str),
    ) -> Result<Stack, Failure> {
        aws.create_bucket(BUCKET)?;
        let mut sam = self.command("deploy");
        sam.arg("--template-file")
            .arg(self.build_directory().join("template.yaml"))
            .args(["--stack-name", NAME, "--s3-bucket", BUCKET, "--region", REGION])
            .args(["--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"])
            .args(["--no-confirm-changeset", "--no-progressbar", "--parameter-overrides"])
            .args(parameters.iter().map(|(name, value)| format!("{name}={value}")))
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", secret);
        process::run(
            &mut sam,
            "sam deploy",
            &self.directory.join("logs/sam-deploy.log"),
            note,
            "read the deployment's output above; `cargo xtask test` also lints the template",
        )?;
        let stack = describe(aws)?;
        key_route::answer(aws, &stack.api, stack.client_keys()?)?;
        Ok(stack)
    }

    fn build_directory(&self) -> PathBuf {
        self.directory.join("build")
    }

    /// `sam` with nothing of the caller's own AWS set-up in reach.
    fn command(&self, name: &str) -> Command {
        let mut sam = Command::new(self.tools.program("sam", "sam"));
        for (variable, _) in std::env::vars_os() {
            let variable = variable.to_string_lossy();
            if variable.starts_with("AWS_") || is_of_the_running_crate(&variable) {
                sam.env_remove(&*variable);
            }
        }
        sam.arg(name)
            .current_dir(cache::repository())
            .env("PATH", self.functions.path(self.tools))
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_DEFAULT_REGION", REGION)
            .env("NO_PROXY", "127.0.0.1,localhost")
            .env("no_proxy", "127.0.0.1,localhost")
            .env("SAM_CLI_TELEMETRY", "0");
        self.functions.direct(&mut sam);
        sam
    }
}

/// This machine's architecture as the template's parameter names it: functions run here.
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "x86_64",
    }
}

fn describe(aws: &Aws) -> Result<Stack, Failure> {
    let answer = described(aws, "DescribeStackResources")?;
    let resources = resources(&read(&answer)?);
    let id_of = |kind: &str| {
        let found = resources.values().find(|resource| resource.kind == kind);
        found.map(|resource| resource.id.clone()).ok_or_else(|| {
            Failure::new(
                format!("the deployed stack has no {kind}"),
                "template.yaml has to declare a REST API with a stage",
            )
        })
    };
    let answer = described(aws, "DescribeStacks")?;
    let outputs = outputs(&read(&answer)?);
    Ok(Stack { api: id_of("AWS::ApiGateway::RestApi")?, stage: id_of("AWS::ApiGateway::Stage")?, resources, outputs })
}

fn described(aws: &Aws, action: &str) -> Result<String, Failure> {
    aws.query("cloudformation", &format!("Action={action}&Version=2010-05-15&StackName={NAME}"))
}

fn read(answer: &str) -> Result<Document<'_>, Failure> {
    Document::parse(answer).or_failure("read CloudFormation's answer", "read the emulator's log")
}

/// The outputs in CloudFormation's answer.
fn outputs(answer: &Document<'_>) -> BTreeMap<String, String> {
    members(answer).filter_map(|member| Some((text(member, "OutputKey")?, text(member, "OutputValue")?))).collect()
}

/// The resources in CloudFormation's answer.
fn resources(answer: &Document<'_>) -> BTreeMap<String, Resource> {
    members(answer)
        .filter_map(|member| {
            Some((
                text(member, "LogicalResourceId")?,
                Resource { kind: text(member, "ResourceType")?, id: text(member, "PhysicalResourceId")? },
            ))
        })
        .collect()
}

/// The items of every list in the answer.
fn members<'a>(answer: &'a Document<'a>) -> impl Iterator<Item = Node<'a, 'a>> {
    answer.descendants().filter(|element| element.has_tag_name("member"))
}

fn text(element: Node<'_, '_>, name: &str) -> Option<String> {
    let child = element.children().find(|child| child.has_tag_name(name))?;
    Some(child.text().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_are_read_from_the_answer() {
        let xml = "<R xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><StackResources><member><LogicalResourceId>Api</LogicalResourceId>\
                   <PhysicalResourceId>a&amp;b</PhysicalResourceId>\
                   <ResourceType>AWS::ApiGateway::RestApi</ResourceType></member></StackResources></R>";
        let expected = Resource { kind: "AWS::ApiGateway::RestApi".into(), id: "a&b".into() };
        assert_eq!(resources(&read(xml).unwrap()), BTreeMap::from([("Api".to_owned(), expected)]));
    }

    #[test]
    fn outputs_are_read_from_the_answer() {
        let xml = "<R><Stacks><member><StackName>workflows</StackName><Parameters><member>\
                   <ParameterKey>Issuer</ParameterKey><ParameterValue>x</ParameterValue></member></Parameters>\
                   <Outputs><member><OutputKey>Keys</OutputKey><OutputValue>{&quot;keys&quot;:[]}</OutputValue>\
                   </member></Outputs></member></Stacks></R>";
        assert_eq!(outputs(&read(xml).unwrap()), BTreeMap::from([("Keys".to_owned(), "{\"keys\":[]}".to_owned())]));
    }
}
