//! A lab: Keycloak, an AWS emulator and the deployed stack on this machine, how they are brought up, and what tests and demo do
//! with them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::admin::Admin;
use crate::aws::Aws;
use crate::cache;
use crate::certificates::{Certificates, random_password};
use crate::emulator::Emulator;
use crate::failure::{Failure, OrFailure};
use crate::functions::Functions;
use crate::key_route;
use crate::keycloak::{ADMINISTRATOR, CLIENT, Keycloak, REVALIDATION_CLIENT};
use crate::process::{self, Group};
use crate::progress::{Progress, tell};
use crate::stack::{Sam, Stack, architecture};
use crate::state::{self, Ports, State};
use crate::tools::Tools;
use crate::users;

/// Names the lab that tests use; `default` when it is unset.
pub const LAB_VARIABLE: &str = "KSF_LAB";

/// The names of the labs that end with this process.
static OURS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// How long API Gateway keeps an authorizer's answer in a lab, in seconds.
const AUTHORIZER_TTL: &str = "60";
/// The web origin that the deployed API answers browsers of; nothing listens there.
const CORS_ORIGIN: &str = "http://localhost:8080";

/// How a lab is brought up.
#[derive(Debug, Clone)]
pub struct Options {
    /// The lab's name: 1 to 32 of `a-z`, `0-9` and `-`.
    pub name: String,
    /// The first of the two ports; free ones are chosen when absent.
    pub port_base: Option<u16>,
    /// The SAM template to deploy.
    pub template: PathBuf,
    /// How the functions are compiled.
    pub functions: Functions,
}

impl Options {
    /// The repository's own template on free ports, with functions that are compiled quickly.
    pub fn named(name: &str) -> Options {
        Options {
            name: name.to_owned(),
            port_base: None,
            template: cache::repository().join("template.yaml"),
            functions: Functions::Quick,
        }
    }
}

/// A lab that is up. Dropping it leaves it up; [`Lab::down`] ends it.
#[derive(Debug)]
pub struct Lab {
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    pub(crate) keycloak: Keycloak,
    pub(crate) ports: Ports,
    pub(crate) stack: Stack,
    pub(crate) aws: Aws,
    state: State,
}

impl Lab {
    /// Brings a lab up, afresh: one of the same name that stands is taken down first.
    ///
    /// Its processes belong to the caller, so that an interrupt stops them, until [`Lab::keep`].
    ///
    /// # Errors
    /// Any part that failed; nothing is left running then.
    pub fn up(options: &Options, progress: &Progress) -> Result<Lab, Failure> {
        let directory = state::directory(&options.name)?;
        let tools = Tools::located()?;
        let _held = cache::lock(&cache::labs(), &format!(".{}", options.name))?;
        stop_recorded(&directory)?;
        ours().insert(options.name.clone());
        let stood_up = thread::scope(|scope| {
            // It takes nothing that is downloaded.
            let compiled = scope.spawn(|| options.functions.compile(progress));
            tools.install(options.functions, progress)?;
            Site::prepare(options, directory.clone(), tools)?.stand_up(compiled, progress)
        });
        match stood_up {
            Ok(()) => Lab::open(&options.name),
            Err(failure) => {
                let stopped = stop_recorded(&directory);
                stopped.map_or_else(Err, |()| Err(failure))
            }
        }
    }

    /// The lab that tests run against: the one that [`LAB_VARIABLE`] names.
    ///
    /// # Errors
    /// It is not up.
    pub fn for_tests() -> Result<Lab, Failure> {
        let name = std::env::var(LAB_VARIABLE).unwrap_or_else(|_| "default".to_owned());
        Lab::open(&name)
    }

    /// The lab of this name, on which times mean something.
    ///
    /// # Errors
    /// It is not up, or its functions are not compiled as deployments are.
    pub fn for_measurements(name: &str) -> Result<Lab, Failure> {
        let lab = Lab::open(name)?;
        lab.state.functions.can_be_measured(name)?;
        Ok(lab)
    }

    /// The lab of this name, which has to be up.
    ///
    /// # Errors
    /// It is not up, or only in part.
    pub fn open(name: &str) -> Result<Lab, Failure> {
        let directory = state::directory(name)?;
        let remedy = format!("bring it up with `cargo xtask lab up --name {name}`");
        let down = |why: &str| Failure::new(format!("the lab `{name}` is not up: {why}"), &remedy);
        let state = State::load(&directory)?.ok_or_else(|| down("it was never started or was taken down"))?;
        if let Some(group) = state.groups.iter().find(|group| !group.is_alive()) {
            return Err(down(&format!("{} has ended", group.name)));
        }
        let stack = state.stack.clone().ok_or_else(|| down("it is not deployed"))?;
        let emulator = Emulator::new(&directory, state.ports.emulator);
        Ok(Lab {
            name: name.to_owned(),
            keycloak: Keycloak::new(&directory, state.ports.keycloak),
            aws: Aws::new(emulator.url(), &state.secret)?,
            ports: state.ports,
            stack,
            directory,
            state,
        })
    }

    /// Lets the lab outlive this process.
    pub fn keep(&self) {
        ours().remove(&self.name);
        process::hand_over(&self.state.groups);
    }

    /// Ends every process of the lab and removes what it kept, except its logs.
    ///
    /// # Errors
    /// A process outlived SIGKILL.
    pub fn down(self) -> Result<(), Failure> {
        down(&self.name)
    }

    /// Stops Keycloak only; its data stays.
    ///
    /// # Errors
    /// It outlived SIGKILL.
    pub fn stop_keycloak(&self) -> Result<(), Failure> {
        let mut state = self.current_state()?;
        let (keycloak, others): (Vec<Group>, Vec<Group>) =
            state.groups.iter().cloned().partition(|group| group.name == "keycloak");
        process::stop(&keycloak)?;
        state.groups = others;
        state.save(&self.directory)
    }

    /// Starts Keycloak again after [`Lab::stop_keycloak`], with the same keys, users and port.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_keycloak(&self) -> Result<(), Failure> {
        let mut state = self.current_state()?;
        let group = self.keycloak.start((ADMINISTRATOR, &state.administrator))?;
        state.groups.push(group.clone());
        state.save(&self.directory)?;
        self.keycloak.wait_until_ready(&group)
    }

    /// A real access token of one of the lab's users.
    ///
    /// # Errors
    /// There is no such user, or Keycloak is out of reach.
    pub fn token(&self, user: &str) -> Result<String, Failure> {
        self.keycloak.access_token(user, &self.password(user)?)
    }

    /// The password of one of the lab's users.
    ///
    /// # Errors
    /// There is no such user.
    pub fn password(&self, user: &str) -> Result<String, Failure> {
        self.state.passwords.get(user).cloned().ok_or_else(|| {
            let names: Vec<&str> = users::people().iter().map(|person| person.name).collect();
            Failure::new(format!("the lab has no user `{user}`"), format!("use one of {}", names.join(", ")))
        })
    }

    /// Logs in as the realm's administrator.
    ///
    /// # Errors
    /// Keycloak is out of reach.
    pub fn admin(&self) -> Result<Admin, Failure> {
        Admin::log_in(&self.keycloak, (ADMINISTRATOR, &self.state.administrator))
    }

    /// The lab's Keycloak.
    pub fn keycloak(&self) -> &Keycloak {
        &self.keycloak
    }

    /// The password of Keycloak's administrator, who is called [`ADMINISTRATOR`].
    pub fn administrator_password(&self) -> String {
        self.state.administrator.clone()
    }

    /// The lab's AWS account, called as its administrator.
    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// How its functions were compiled.
    pub fn functions(&self) -> Functions {
        self.state.functions
    }

    /// How long the stack took to be deployed here.
    pub fn deployment_took(&self) -> Duration {
        self.state.deployment_took
    }

    /// What is deployed.
    pub fn stack(&self) -> &Stack {
        &self.stack
    }

    /// Where the lab's files are: logs, certificates, the build.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where the deployed API tells the keys of revalidation's client.
    pub fn client_key_address(&self) -> String {
        let endpoint = format!("http://127.0.0.1:{}", self.ports.emulator);
        key_route::address(&endpoint, &self.stack.api, &self.stack.stage)
    }

    /// Lets revalidation's client sign in with the keys that the deployed API tells, and with no other.
    ///
    /// # Errors
    /// Keycloak is out of reach.
    pub fn register_client(&self) -> Result<(), Failure> {
        self.admin()?.register_key_address(REVALIDATION_CLIENT, &self.client_key_address())
    }

    /// Deploys what was built once more, with some of the template's parameters changed and the others as they are, and tells
    /// Keycloak where the keys are then: the emulator makes another API of one whose definition changes.
    ///
    /// # Errors
    /// The deployment fails, or Keycloak is out of reach.
    pub fn redeploy(&mut self, parameters: &[(&str, String)]) -> Result<(), Failure> {
        let tools = Tools::ensure(&Progress::new())?;
        let template = cache::repository().join("template.yaml");
        let mut state = self.current_state()?;
        let sam = Sam { tools: &tools, template: &template, directory: &self.directory, functions: state.functions };
        let endpoint = Emulator::new(&self.directory, state.ports.emulator).url();
        self.stack = sam.deploy(&self.aws, &endpoint, &state.secret, parameters, &|_| ())?;
        state.stack = Some(self.stack.clone());
        state.save(&self.directory)?;
        self.register_client()
    }

    /// The state as it is on disk: another process may have stopped and started parts of the lab.
    fn current_state(&self) -> Result<State, Failure> {
        State::load(&self.directory)?.ok_or_else(|| {
            Failure::new(format!("the lab `{}` was taken down meanwhile", self.name), "bring it up again")
        })
    }
}

/// The parts of a lab, before they stand.
struct Site {
    directory: PathBuf,
    template: PathBuf,
    tools: Tools,
    keycloak: Keycloak,
    emulator: Emulator,
    certificates: Certificates,
    state: Mutex<State>,
}

impl Site {
    /// Chooses ports and secrets, and writes them down.
    fn prepare(options: &Options, directory: PathBuf, tools: Tools) -> Result<Site, Failure> {
        if !options.template.exists() {
            return Err(Failure::new(
                format!("there is no template {}", options.template.display()),
                "name one with --template, or leave the option out",
            ));
        }
        cache::make(&directory.join("logs"))?;
        // A leftover of a lab that was killed: its traffic is not this one's.
        let _ = std::fs::remove_dir_all(directory.join(state::TRAFFIC));
        let state = {
            // Held until the choice is on disk, where a lab that starts at the same time sees it.
            let _held = cache::lock(&cache::labs(), ".ports")?;
            let state = State {
                ports: Ports::choose(options.port_base)?,
                groups: Vec::new(),
                secret: random_password()?,
                administrator: random_password()?,
                passwords: Default::default(),
                functions: options.functions,
                deployment_took: Duration::ZERO,
                stack: None,
            };
            state.save(&directory)?;
            state
        };
        Ok(Site {
            certificates: Certificates::make(&directory)?,
            keycloak: Keycloak::new(&directory, state.ports.keycloak),
            emulator: Emulator::new(&directory, state.ports.emulator),
            template: options.template.clone(),
            state: Mutex::new(state),
            directory,
            tools,
        })
    }

    /// Starts Keycloak and the emulator, builds once the functions are `compiled`, deploys, and makes the users.
    fn stand_up(
        &self,
        compiled: ScopedJoinHandle<'_, Result<(), Failure>>,
        progress: &Progress,
    ) -> Result<(), Failure> {
        let (realm, build) = thread::scope(|scope| {
            let realm = scope.spawn(|| self.realm(progress));
            let build = self.build(compiled, progress);
            let realm = realm
                .join()
                .unwrap_or_else(|_| Err(Failure::new("bringing up Keycloak broke off", "run the command again")));
            (realm, build)
        });
        build?;
        realm?;
        self.deploy(progress)?;
        self.register(progress)
    }

    fn realm(&self, progress: &Progress) -> Result<(), Failure> {
        let administrator = self.state().administrator.clone();
        let step = progress.long_step("start Keycloak and import the realm", "15 s");
        let realm = cache::repository().join("realm/workflows-realm.json");
        self.keycloak.lay_out(&self.tools.keycloak, &realm)?;
        let group = self.keycloak.start((ADMINISTRATOR, &administrator))?;
        self.record(|state| state.groups.push(group.clone()))?;
        self.keycloak.wait_until_ready(&group)?;
        step.done(&self.keycloak.issuer());

        let step = progress.step("make the users");
        let passwords = users::create(&self.keycloak, (ADMINISTRATOR, &administrator))?;
        let names: Vec<String> = passwords.keys().cloned().collect();
        self.record(|state| state.passwords = passwords)?;
        step.done(&names.join(", "));
        Ok(())
    }

    fn build(&self, compiled: ScopedJoinHandle<'_, Result<(), Failure>>, progress: &Progress) -> Result<(), Failure> {
        let step = progress.step("start the emulator");
        let secret = self.state().secret.clone();
        let group = self.emulator.start(&self.tools, &secret)?;
        self.record(|state| state.groups.push(group.clone()))?;
        self.emulator.wait_until_ready(&group)?;
        step.done(&self.emulator.url());

        let broke_off = |_| Err(Failure::new("compiling the functions broke off", "run the command again"));
        compiled.join().unwrap_or_else(broke_off)?;
        let functions = self.state().functions;
        let step = progress.long_step("sam build", functions.sam_build_takes());
        self.sam().build(&|note| step.note(note))?;
        step.done("");
        Ok(())
    }

    fn deploy(&self, progress: &Progress) -> Result<(), Failure> {
        let step = progress.long_step("sam deploy", "10 s");
        let secret = self.state().secret.clone();
        let aws = Aws::new(self.emulator.url(), &secret)?;
        let parameters = [
            ("Issuer", self.keycloak.issuer()),
            ("Audience", "workflow-api".to_owned()),
            ("Clients", CLIENT.to_owned()),
            ("RealmCa", self.certificates.authority_base64()?),
            ("RevalidationClient", REVALIDATION_CLIENT.to_owned()),
            ("CorsOrigin", CORS_ORIGIN.to_owned()),
            ("AuthorizerTtlSeconds", AUTHORIZER_TTL.to_owned()),
            ("Architecture", architecture().to_owned()),
        ];
        let began = Instant::now();
        let stack = self.sam().deploy(&aws, &self.emulator.url(), &secret, &parameters, &|note| step.note(note))?;
        step.done(&format!("{} resources", stack.resources.len()));
        self.record(|state| {
            state.deployment_took = began.elapsed();
            state.stack = Some(stack);
        })
    }

    /// What the platform team does after the first deployment: Keycloak learns where the keys of revalidation's client are.
    fn register(&self, progress: &Progress) -> Result<(), Failure> {
        let step = progress.step("tell Keycloak where the stack's client keys are");
        let (administrator, stack) = {
            let state = self.state();
            (state.administrator.clone(), state.stack.clone())
        };
        let admin = Admin::log_in(&self.keycloak, (ADMINISTRATOR, &administrator))?;
        let stack = stack.unwrap_or_default();
        let address = key_route::address(&self.emulator.url(), &stack.api, &stack.stage);
        admin.register_key_address(REVALIDATION_CLIENT, &address)?;
        step.done(&address);
        Ok(())
    }

    fn sam(&self) -> Sam<'_> {
        let functions = self.state().functions;
        Sam { tools: &self.tools, template: &self.template, directory: &self.directory, functions }
    }

    fn record(&self, change: impl FnOnce(&mut State)) -> Result<(), Failure> {
        let mut state = self.state();
        change(&mut state);
        state.save(&self.directory)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ours() -> MutexGuard<'static, BTreeSet<String>> {
    OURS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes every lab down that this process brought up and did not [`Lab::keep`]; for the end after an interrupt.
pub fn down_ours() {
    let names = ours().clone();
    for name in names {
        if let Err(failure) = down(&name) {
            tell!(error: "{failure}");
        }
    }
}

/// Takes a lab down, also one whose starting command was killed. Nothing happens when there is none.
///
/// # Errors
/// A process outlived SIGKILL, or the state cannot be read.
pub fn down(name: &str) -> Result<(), Failure> {
    let directory = state::directory(name)?;
    stop_recorded(&directory)?;
    ours().remove(name);
    // The build stays for a quick next start, the logs for reading.
    for leftover in ["keycloak", "emulator", state::TRAFFIC] {
        let path = directory.join(leftover);
        if path.exists() {
            std::fs::remove_dir_all(&path).or_failure(format!("remove {}", path.display()), "remove it by hand")?;
        }
    }
    Ok(())
}

fn stop_recorded(directory: &Path) -> Result<(), Failure> {
    let Some(state) = State::load(directory)? else {
        return Ok(());
    };
    process::stop(&state.groups)?;
    let path = directory.join("state.json");
    std::fs::remove_file(&path).or_failure(format!("remove {}", path.display()), "remove it by hand")
}
