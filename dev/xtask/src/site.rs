//! A lab under construction.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::admin::Admin;
use crate::aws::Aws;
use crate::cache;
use crate::certificates::{Certificates, random_password};
use crate::emulator::Emulator;
use crate::failure::Failure;
use crate::functions::Functions;
use crate::key_route;
use crate::keycloak::{ADMINISTRATOR, CLIENT, Keycloak, REVALIDATION_CLIENT};
use crate::progress::Progress;
use crate::stack::{Sam, architecture};
use crate::state::{self, Ports, State};
use crate::tools::Tools;
use crate::users;

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

/// The parts of a lab, before they stand.
pub(crate) struct Site {
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
    pub(crate) fn prepare(options: &Options, directory: PathBuf, tools: Tools) -> Result<Site, Failure> {
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
    pub(crate) fn stand_up(
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
