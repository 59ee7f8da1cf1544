//! How far revalidation's service account reaches into the realm: to the users and to the clients that call, and no further.

use serde_json::{Value, json};
use xtask::admin::ServiceAccount;
use xtask::browser::Browser;
use xtask::keycloak::{CLIENT, REVALIDATION_CLIENT};
use xtask::realm_server::{RealmFile, RealmServer, Version};

use crate::{PASSWORD, Scene};

const README: &str = include_str!("../../realm/README.md");
const NO_SUCH_USER: &str = "00000000-0000-0000-0000-000000000000";

/// What may be asked besides what revalidation asks in [`Scene::check`].
const QUESTIONS: [(&str, u16); 3] = [
    ("users/{user}/consents", 200),
    ("users/{no_user}", 404),
    ("clients/{calling}/evaluate-scopes/generate-example-access-token?userId={user}&scope=openid", 200),
];

/// What `view-clients` shows, and `view-users` of more than users: `{other}` is a confidential client that does not call.
const OF_OTHERS: [&str; 8] = [
    "clients/{other}",
    "clients/{other}/client-secret",
    "clients/{other}/service-account-user",
    "clients/{other}/user-sessions",
    "clients/{other}/evaluate-scopes/generate-example-access-token?userId={user}&scope=openid",
    "clients/{own}",
    "clients/{own}/client-secret",
    "groups",
];

/// What neither role shows.
const OF_NOBODY: [&str; 5] = ["events", "admin-events", "keys", "components", "identity-provider/instances"];

/// What would change something.
const CHANGES: [(&str, &str, &str); 21] = [
    ("PUT", "users/{user}", r#"{"enabled":false}"#),
    ("PUT", "users/{user}", r#"{"attributes":{"compliance_kyc":["true"]}}"#),
    ("PUT", "users/{user}/reset-password", r#"{"type":"password","value":"correct horse battery"}"#),
    ("POST", "users/{user}/role-mappings/clients/{api}", "[]"),
    ("DELETE", "users/{user}/role-mappings/clients/{api}", "[]"),
    ("POST", "users/{user}/logout", "{}"),
    ("POST", "users/{user}/impersonation", "{}"),
    ("DELETE", "users/{user}/consents/payment-app", "{}"),
    ("DELETE", "users/{user}", "{}"),
    ("POST", "users", r#"{"username":"eve","enabled":true}"#),
    ("DELETE", "attack-detection/brute-force/users/{user}", "{}"),
    ("PUT", "clients/{calling}", r#"{"clientId":"payment-app","redirectUris":["https://eve.example.com/"]}"#),
    ("POST", "clients/{calling}/client-secret", "{}"),
    ("POST", "clients/{calling}/protocol-mappers/models", r#"{"name":"eve","protocol":"openid-connect"}"#),
    ("DELETE", "clients/{calling}", "{}"),
    ("PUT", "clients/{own}", r#"{"clientId":"workflow-revalidation","fullScopeAllowed":true}"#),
    ("POST", "clients", r#"{"clientId":"eve"}"#),
    ("PUT", "", r#"{"realm":"workflows","notBefore":0}"#),
    ("POST", "push-revocation", "{}"),
    ("POST", "logout-all", "{}"),
    ("POST", "components", r#"{"name":"eve"}"#),
];

/// The service account, signed in, and whom it may look for.
struct Reach<'s> {
    server: &'s RealmServer,
    token: String,
    other: ServiceAccount,
    user: String,
}

impl<'s> Reach<'s> {
    /// With a user and a confidential client that are made for it.
    fn of(scene: &'s Scene) -> Reach<'s> {
        let server = &scene.server;
        let attributes = json!({ "project_id": ["a"] });
        let other =
            server.admin().unwrap().create_service_account("batch-app", &attributes, &["payment:start"]).unwrap();
        Reach { server, token: scene.asker.signed_in(server), other, user: scene.made("gina") }
    }

    fn id_of(&self, client: &str) -> String {
        let found = self.server.admin().unwrap().get(&format!("clients?clientId={client}")).unwrap();
        found[0]["id"].as_str().unwrap().to_owned()
    }

    fn call(&self, method: &str, path: &str, body: &'static str) -> (u16, Value) {
        let keycloak = self.server.keycloak();
        let path = path.replace("{user}", &self.user).replace("{no_user}", NO_SUCH_USER);
        let path = [("{calling}", CLIENT), ("{own}", REVALIDATION_CLIENT), ("{api}", "workflow-api")]
            .into_iter()
            .chain([("{other}", self.other.client.as_str()), ("{permissions}", "admin-permissions")])
            .fold(
                path,
                |path, (name, client)| {
                    if path.contains(name) { path.replace(name, &self.id_of(client)) } else { path }
                },
            );
        let url = format!("{}/admin/realms/workflows/{path}", keycloak.url());
        let request = keycloak.client().unwrap().request(method.parse().unwrap(), url.trim_end_matches('/'));
        let request = request.bearer_auth(&self.token).header("content-type", "application/json").body(body);
        let answer = request.send().unwrap();
        (answer.status().as_u16(), answer.json().unwrap_or_default())
    }

    /// Each path with the status that it is answered with.
    fn statuses<'p>(&self, paths: impl IntoIterator<Item = &'p str>) -> Vec<(&'p str, u16)> {
        paths.into_iter().map(|path| (path, self.call("GET", path, "").0)).collect()
    }

    fn clients(&self, path: &str) -> Vec<String> {
        let (status, found) = self.call("GET", path, "");
        assert_eq!(status, 200, "{path}");
        found.as_array().unwrap().iter().map(|client| client["clientId"].as_str().unwrap().to_owned()).collect()
    }

    #[track_caller]
    fn check(&self, expected_of_others: u16) {
        assert_eq!(self.statuses(QUESTIONS.map(|(path, _)| path)), QUESTIONS);
        assert_eq!(self.statuses(OF_OTHERS), OF_OTHERS.map(|path| (path, expected_of_others)));
        assert_eq!(self.statuses(OF_NOBODY), OF_NOBODY.map(|path| (path, 403)));
        for (method, path, body) in CHANGES {
            assert_eq!(self.call(method, path, body).0, 403, "{method} {path} {body}");
        }
    }

    /// It finds the client that calls, and none besides.
    #[track_caller]
    fn check_narrow(&self) {
        self.check(403);
        assert_eq!(self.clients("clients"), [CLIENT]);
        assert_eq!(self.clients("clients?clientId=batch-app"), [""; 0]);
        let (status, _) = self.call("POST", "clients/{permissions}/authz/resource-server/permission/scope", "{}");
        assert_eq!(status, 403);
    }

    /// It reads another client's secret.
    #[track_caller]
    fn check_wide(&self) {
        self.check(200);
        let (_, secret) = self.call("GET", "clients/{other}/client-secret", "");
        assert_eq!(secret["value"], self.other.secret);
    }
}

/// The lines of shell under a heading of the realm's README.
fn steps(heading: &str) -> &'static str {
    let (_, section) = README.split_once(&format!("\n## {heading}\n")).unwrap();
    let (_, lines) = section.split_once("\n```sh\n").unwrap();
    lines.split_once("\n```\n").unwrap().0
}

impl Scene {
    /// Revalidation is answered whatever it asks.
    #[track_caller]
    fn check_questions(&self) {
        let (id, tokens) = self.user("anna");
        self.check(&tokens, "renewed");
        self.server.admin().unwrap().set_enabled(&id, false).unwrap();
        self.check(&tokens, "user_disabled");
        self.server.admin().unwrap().delete_user(&id).unwrap();
        self.check(&tokens, "user_deleted session_ended");
    }
}

#[test]
fn the_least_keycloak_that_can_narrow_the_service_account_does() {
    let scene = Scene::of(Version::LeastNarrowing, RealmFile::Narrow);
    Reach::of(&scene).check_narrow();
    scene.check_questions();
}

#[test]
fn before_that_the_service_account_sees_every_client_and_changes_nothing() {
    let scene = Scene::of(Version::Least, RealmFile::Wide);
    Reach::of(&scene).check_wide();
    scene.check_questions();
}

#[test]
fn a_realm_that_was_imported_before_is_narrowed_by_the_steps_of_its_readme() {
    let scene = Scene::of(Version::Newest, RealmFile::Wide);
    let reach = Reach::of(&scene);
    reach.check_wide();
    scene.server.play(steps("A realm that is there already")).unwrap();
    let token = scene.asker.signed_in(&scene.server);
    Reach { token, ..reach }.check_narrow();
    scene.check_questions();
}

#[test]
fn the_service_account_reaches_the_users_and_the_clients_that_it_is_shown_and_no_further() {
    let scene = Scene::of(Version::Newest, RealmFile::Narrow);
    let reach = Reach::of(&scene);
    reach.check_narrow();
    scene.check_questions();

    // What it may not see is taken for deleted.
    let admin = scene.server.admin().unwrap();
    admin.create_sibling("statement-app").unwrap();
    scene.made("hans");
    let tokens = Browser::new(scene.server.keycloak()).unwrap().log_in_to("statement-app", "hans", PASSWORD).unwrap();
    scene.check(&tokens, "client_deleted");
    admin.show_to_revalidation("statement-app").unwrap();
    // It is seen, and has no mapper for the audience.
    scene.check(&tokens, "audience_withdrawn");

    // Whoever may see a client may see its secret.
    scene.server.play(steps("Another calling client")).unwrap();
    assert_eq!(reach.clients("clients?clientId=batch-app"), ["batch-app"]);
    let (_, secret) = reach.call("GET", "clients/{other}/client-secret", "");
    assert_eq!(secret["value"], reach.other.secret);
}
