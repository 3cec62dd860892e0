use std::sync::LazyLock;

use proptest::prelude::any;
use proptest::prelude::*;

use super::*;
use crate::redact::Redactor;
use crate::redact::services::BUSINESS;
use crate::redact::services::DATA;
use crate::redact::services::INFRASTRUCTURE;
use crate::redact::services::MESSAGES;

/// One example for each kind of token, as a template, so that no scanner takes it for a leak.
/// `{a36}` stands for 36 letters and digits; `l` lower-case and digits, `L` capitals and digits,
/// `U` capitals and 2 to 7, `h` hexadecimal, `d` digits, `w` letters only; `{b}` for twelve words.
const EXAMPLES: &[(&str, &str)] = &[
    ("aws-access-key-id", "AKIA{U16}"),
    ("aws-session-token", "IQoJb3JpZ2lu{a80}"),
    ("aws-presigned-url", "?X-Amz-Signature={h64}"),
    ("aws-session-token", "&X-Amz-Security-Token={a80}"),
    ("aws-bedrock-key", "ABSK{a110}"),
    ("google-api-key", "AIza{a35}"),
    ("google-oauth-token", "ya29.{a40}"),
    ("google-refresh-token", "1//0{a40}"),
    ("google-client-secret", "GOCSPX-{a28}"),
    ("azure-storage-key", "AccountName=x;AccountKey={a86}=="),
    ("azure-sas", "?sv=2024&sig={a43}%3D"),
    ("azure-client-secret", "{a3}8Q~{a34}"),
    ("digitalocean-token", "dop_v1_{h64}"),
    ("alibaba-access-key-id", "LTAI{a20}"),
    ("yandex-key", "AQVN{a36}"),
    ("heroku-key", "HRKU-{a60}"),
    ("flyio-token", "fo1_{a43}"),
    ("planetscale-token", "pscale_tkn_{a43}"),
    ("databricks-token", "dapi{h32}"),
    ("doppler-token", "dp.st.prd.{a43}"),
    ("vault-token", "hvs.{a90}"),
    ("terraform-token", "{a14}.atlasv1.{a67}"),
    ("pulumi-token", "pul-{h40}"),
    ("supabase-key", "sb_secret_{a31}"),
    ("mongodb-service-key", "mdb_sa_sk_{a40}"),
    ("clickhouse-cloud-key", "4b1d{a38}"),
    ("openshift-token", "sha256~{a43}"),
    ("vercel-token", "vcp_{a56}"),
    ("netlify-token", "nfp_{a36}"),
    ("cloudflare-origin-key", "v1.0-{h24}-{h146}"),
    ("github-token", "ghp_{a36}"),
    ("github-token", "github_pat_{a22}_{a59}"),
    ("gitlab-token", "glpat-{a20}"),
    ("gitlab-cookie", "_gitlab_session={h32}"),
    ("atlassian-token", "ATATT3{a180}={L8}"),
    ("npm-token", "npm_{a36}"),
    ("pypi-token", "pypi-AgEIcHlwaS5vcmc{a80}"),
    ("rubygems-key", "rubygems_{h48}"),
    ("crates-token", "cio{a32}"),
    ("nuget-key", "oy2{l43}"),
    ("docker-token", "dckr_pat_{a27}"),
    ("artifactory-token", "AKCp{a69}"),
    ("circleci-token", "CCIPAT_{a22}_{h40}"),
    ("buildkite-token", "bkua_{l40}"),
    ("sourcegraph-token", "sgp_{h40}"),
    ("infracost-key", "ico-{a32}"),
    ("prefect-key", "pnu_{a36}"),
    ("dependency-track-key", "odt_{a32}"),
    ("clojars-token", "CLOJARS_{l60}"),
    ("octopus-key", "API-{L26}"),
    ("sonar-token", "squ_{h40}"),
    ("snyk-token", "snyk_uat.{h8}.{a60}"),
    ("anthropic-key", "sk-ant-api03-{a93}AA"),
    ("anthropic-key", "sk-ant-oat01-{a95}"),
    ("openrouter-key", "sk-or-v1-{h64}"),
    ("openai-key", "sk-proj-{a120}"),
    ("openai-key", "sk-{a20}T3BlbkFJ{a20}"),
    ("sk-key", "sk-{h32}"),
    ("huggingface-token", "hf_{w34}"),
    ("groq-key", "gsk_{a52}"),
    ("xai-key", "xai-{a80}"),
    ("replicate-token", "r8_{a37}"),
    ("perplexity-key", "pplx-{a48}"),
    ("fireworks-key", "fw_{a24}"),
    ("langsmith-key", "lsv2_pt_{h32}_{h10}"),
    ("tavily-key", "tvly-dev-{a32}"),
    ("cerebras-key", "csk-{l48}"),
    ("nvidia-key", "nvapi-{a64}"),
    ("elevenlabs-key", "sk_{h48}"),
    ("pinecone-key", "pcsk_{a70}"),
    ("jina-key", "jina_{a60}"),
    ("voyage-key", "pa-{a43}"),
    ("firecrawl-key", "fc-{h32}"),
    ("cursor-key", "key_{h64}"),
    ("wandb-key", "wandb_v1_{a60}"),
    ("together-key", "tgp_v1_{a43}"),
    ("e2b-key", "e2b_{h40}"),
    ("slack-token", "xoxb-{d12}-{d12}-{a24}"),
    ("slack-webhook", "https://hooks.slack.com/services/T{L10}/B{L10}/{a24}"),
    ("discord-webhook", "https://discord.com/api/webhooks/{d19}/{a68}"),
    ("discord-token", "mfa.{a84}"),
    ("teams-webhook", "https://x.webhook.office.com/webhookb2/{h36}@{h36}/IncomingWebhook/{h32}"),
    ("telegram-token", "https://api.telegram.org/bot{d10}:{a35}/getMe"),
    ("telegram-token", "{d10}:AA{a33}"),
    ("stripe-key", "rk_live_{a24}"),
    ("stripe-webhook-secret", "whsec_{a32}"),
    ("square-token", "sq0csp-{a43}"),
    ("razorpay-key", "rzp_live_{a14}"),
    ("braintree-token", "access_token$production${l16}${h32}"),
    ("twilio-key", "SK{h32}"),
    ("sendgrid-key", "SG.{a22}.{a43}"),
    ("mailgun-key", "key-{h32}"),
    ("brevo-key", "xkeysib-{h64}-{a16}"),
    ("resend-key", "re_{a8}_{a24}"),
    ("postman-key", "PMAK-{h24}-{h34}"),
    ("grafana-token", "glsa_{a32}_{h8}"),
    ("newrelic-key", "NRAK-{L27}"),
    ("sentry-token", "sntryu_{h64}"),
    ("dynatrace-token", "dt0c01.{L24}.{L64}"),
    ("posthog-key", "phx_{a43}"),
    ("logfire-token", "pylf_v1_us_{a43}"),
    ("launchdarkly-key", "sdk-{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("figma-token", "figd_{a40}"),
    ("notion-token", "ntn_{a46}"),
    ("linear-key", "lin_api_{a40}"),
    ("airtable-token", "pat{a14}.{h64}"),
    ("asana-token", "1/{d16}:{h32}"),
    ("clickup-token", "pk_{d8}_{L32}"),
    ("contentful-token", "CFPAT-{a43}"),
    ("typeform-token", "tfp_{a59}"),
    ("readme-key", "rdme_{l70}"),
    ("1password-token", "ops_eyJ{a250}"),
    ("1password-secret-key", "A3-{L6}-{L11}-{L5}-{L5}-{L5}"),
    ("mapbox-token", "sk.eyJ{a60}.{a22}"),
    ("duffel-token", "duffel_live_{a43}"),
    ("shopify-token", "shpat_{h32}"),
    ("facebook-token", "EAA{a120}"),
    ("salesforce-token", "00D{a15}!{a96}"),
    ("hubspot-token", "pat-na1-{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("tailscale-key", "tskey-auth-{a16}-{a32}"),
    ("ngrok-key", "ak_{a27}"),
    ("cloudinary-url", "cloudinary://{d15}:{a27}@cloud"),
    ("totp-secret", "otpauth://totp/x?issuer=y&secret={U32}"),
    ("adafruit-key", "aio_{a28}"),
    ("adobe-secret", "p8e-{a32}"),
    ("adyen-key", "AQEy{a40}-{a44}=-{a14}"),
    ("aiven-key", "AVNS_{a20}"),
    ("akamai-token", "akab-{l16}-{l16}"),
    ("amazon-mws-key", "amzn.mws.{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("amazon-oauth-secret", "amzn1.oa2-cs.v1.{h64}"),
    ("amp-key", "sgamp_user_{a40}"),
    ("anyscale-key", "esecret_{a26}"),
    ("apify-token", "apify_api_{a36}"),
    ("authress-key", "sc_{l10}.{l4}.acc_{l10}.{a40}"),
    ("aws-secret-access-key", "AKIA{U16},{a40}"),
    ("axiom-token", "xaat-{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("azure-key", "{a76}AZDO{a4}"),
    ("baidu-key", "bce-v3/ALTAK-{a21}/{h40}"),
    ("beamer-key", "b_{a44}"),
    ("brave-key", "BSA{a28}"),
    ("browserbase-key", "bb_live_{a27}"),
    ("calendly-token", "eyJraWQiOiIxY2UxZTEz{a80}.{a120}.{a86}"),
    ("canva-secret", "cnvca{a51}"),
    ("cartesia-key", "sk_car_{a22}"),
    ("chromatic-token", "chpt_{h15}"),
    ("cloudflare-token", "cfut_{a48}"),
    ("cloudsmith-key", "csa_{a40}"),
    ("cockroach-key", "CCDB1_{a22}_{a40}"),
    ("command-password", "sshpass -p {a14} ssh h"),
    ("context7-key", "ctx7sk-{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("copilot-token", "tid={h32};exp={d10};sku=x;{h32}"),
    ("coralogix-key", "cxtp_{a30}"),
    ("defined-networking-token", "dnkey-{l26}-{l52}"),
    ("deno-token", "ddp_{a36}"),
    ("depot-token", "depot_org_{a64}"),
    ("devcycle-key", "dvc_server_{a50}"),
    ("dfuse-key", "web_{h32}"),
    ("django-key", "django-insecure-{a40}+(x"),
    ("dropbox-token", "sl.{a135}"),
    ("easypost-key", "EZAK{a54}"),
    ("ebay-token", "v^1.1#{a80}"),
    ("facebook-secret", "facebook app: {d16}|{a27}"),
    ("factory-key", "fk-{a40}"),
    ("fcm-key", "AAAA{a7}:APA91b{a134}"),
    ("fleetbase-key", "flb_live_{a20}"),
    ("flexport-token", "shltm_{a40}"),
    ("flutterwave-key", "FLWSECK_TEST-{h32}-X"),
    ("frameio-token", "fio-u-{a64}"),
    ("fullstory-key", "na1.{a80}"),
    ("gitguardian-token", "ggtt-v-{l40}"),
    ("gocardless-token", "live_{a40}"),
    (
        "google-chat-webhook",
        "https://chat.googleapis.com/v1/spaces/AAA/messages?key={a39}&token={a43}",
    ),
    ("harness-key", "pat.{a22}.{a24}.{a20}"),
    ("hex-key", "hex_{h32}"),
    ("honeycomb-key", "hcaik_{l58}"),
    ("ifttt-key", "https://maker.ifttt.com/trigger/x/with/key/{a43}"),
    ("inngest-key", "signkey-prod-{h64}"),
    ("intercom-token", "dG9rO{a55}"),
    ("intra42-secret", "s-s4t2ud-{h64}"),
    ("jetbrains-token", "perm:{a12}.{a12}.{a30}"),
    ("jsr-token", "jsrp_{a32}"),
    ("kerberos-hash", "$krb5asrep$23${h32}${h64}"),
    ("kubernetes-secret", "kind: Secret\ndata:\n  x: {a16}\n"),
    ("lightspeed-token", "lsxs_pt_{a30}"),
    ("llamacloud-key", "llx-{a48}"),
    ("lob-key", "live_{h35}"),
    ("localstack-token", "ls-{a8}-{a4}-{a4}-{a4}-{a12}"),
    ("logicmonitor-token", "LMA_{a40}"),
    ("make-webhook", "https://hook.eu1.make.com/{l32}"),
    ("maxmind-key", "{a6}_{a29}_mmk"),
    ("mem0-key", "m0-{a40}"),
    ("mercury-token", "secret-token:mercury_{a40}"),
    ("midtrans-key", "Mid-server-{a24}"),
    ("mnemonic", "mnemonic: {b}"),
    ("nostr-key", "nsec1{n58}"),
    ("wallet-key", "xprv{n107}"),
    ("modal-key", "ak-{a22}"),
    ("monday-token", "eyJhbGciOiJIUzI1NiJ9.eyJ0aWQiOj{a100}.{a43}"),
    ("neon-key", "napi_{l64}"),
    ("nightfall-key", "NF-{a32}"),
    ("okta-token", "SSWS 00{a40}"),
    ("onfido-token", "api_live.{a11}.{a32}"),
    ("paddle-key", "pdl_live_{a40}"),
    ("pagerduty-key", "pdus+_{a20}"),
    ("payment-key", "pk_live_{a24}"),
    ("paypal-token", "A21AA{a90}"),
    ("pinterest-token", "pina_{a40}"),
    ("plaid-token", "access-production-{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("pubnub-key", "sec-c-{a48}"),
    ("render-key", "rnd_{a32}"),
    ("riot-key", "RGAPI-{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("rootly-key", "rootly_{h64}"),
    ("runpod-key", "rpa_{L44}"),
    ("samsara-token", "samsara_api_{a30}"),
    ("scaleway-key", "SCW{L17}"),
    ("scalingo-token", "tk-us-{a48}"),
    ("semgrep-token", "sgp_{a64}"),
    ("service-key", "the airbrake key is {a40}"),
    ("settlemint-token", "sm_pat_{a16}"),
    ("shippo-token", "shippo_live_{h40}"),
    ("snowflake-token", "ver:1-hint:{d10}-ETMsDgAAA{a60}"),
    ("stackhawk-key", "hawk.{a20}.{a20}"),
    ("statsig-key", "secret-{a43}"),
    ("teamwork-token", "tkn.v1_{a71}="),
    ("telnyx-key", "KEY0{L31}_{a22}"),
    ("tencent-key-id", "AKID{a32}"),
    ("thingsboard-token", "https://thingsboard.cloud/api/v1/{l20}/telemetry"),
    ("tines-webhook", "https://x.tines.com/webhook/{h32}/{h32}"),
    ("tinybird-token", "p.eyJ{a50}.{a43}"),
    ("trigger-key", "tr_dev_{a20}"),
    ("twitter-token", "AAAAAAAAAAAAAAAAAAAAA{a80}"),
    ("ubidots-token", "BBFF-{a30}"),
    ("voiceflow-key", "VF.DM.{h24}.{a16}"),
    ("volcengine-key", "AKLT{a48}"),
    ("wakatime-key", "waka_{h8}-{h4}-{h4}-{h4}-{h12}"),
    ("xata-key", "xau_{a36}"),
    ("xendit-key", "xnd_production_{a50}"),
    ("zapier-webhook", "https://hooks.zapier.com/hooks/catch/{d8}/{l7}/"),
    ("zoho-token", "1000.{h32}.{h32}"),
    ("zuplo-key", "zpka_{a32}_{h8}"),
    (
        "private-key",
        "-----BEGIN RSA PRIV{}ATE KEY-----\n{a64}\n{a64}\n{a20}\n-----END RSA PRIV{}ATE KEY-----",
    ),
    ("jwt", "eyJ{a30}.eyJ{a60}.{a43}"),
    ("bearer-token", "Authorization: Bearer {a32}"),
    ("basic-auth", "Authorization: Basic dXNlcjpLeDljbW1RMnp6Ng=="),
    ("curl-login", "curl -u admin:{a14} https://x.test"),
    ("netrc", "machine x.test login me password {a12}"),
    ("cookie", "Set-Cookie: sid={a40}; Path=/"),
    ("password-hash", "$2b$12${a53}"),
    ("url-password", "postgres://app:{a18}@db.test/app"),
    ("password", "DB_PASSWORD={a14}"),
    ("secret", "\"client_secret\": \"{a32}\""),
    ("key", "vendor_key = {h32}"),
];

/// Words of a wallet.
const MNEMONIC: &str =
    "orbit velvet canoe puzzle lunar timber gossip hazard ivory jungle kitten maple";

/// Formats whose example would need a checksum or a text inside an encoding.
const WITHOUT_EXAMPLE: &[&str] = &["age-key", "helicone-key"];

/// Fills a template; the same seed gives the same text.
fn filled(template: &str, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut text = String::new();
    for (at, part) in template.split('{').enumerate() {
        let Some((code, rest)) = part.split_once('}').filter(|_| at > 0) else {
            text.push_str(part);
            continue;
        };
        if code == "b" {
            text.push_str(MNEMONIC);
            text.push_str(rest);
            continue;
        }
        let alphabet: Vec<char> = match code.chars().next() {
            Some('h') => "0123456789abcdef".chars().collect(),
            Some('d') => ('1'..='9').collect(),
            Some('l') => ('a'..='z').chain('0'..='9').collect(),
            Some('L') => ('A'..='Z').chain('0'..='9').collect(),
            Some('U') => ('A'..='Z').chain('2'..='7').collect(),
            Some('w') => ('a'..='z').chain('A'..='Z').collect(),
            Some('n') => "23456789acdefghjkmnpqrstuvwxyz".chars().collect(),
            _ => ('a'..='z').chain('A'..='Z').chain('0'..='9').collect(),
        };
        let length = code.get(1..).unwrap_or_default().parse().unwrap_or(0);
        for _ in 0..length {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let place = usize::try_from(state >> 33).expect("31 bits fit") % alphabet.len();
            text.push(alphabet[place]);
        }
        text.push_str(rest);
    }
    text
}

#[test]
fn every_rule_redacts_its_example_and_names_it() {
    let rules = Rules::builtin().expect("the rules load");
    let mut wrong = Vec::new();
    for (name, template) in EXAMPLES {
        for seed in 1..4 {
            let text = format!(
                "see {}
(there)",
                filled(template, seed)
            );
            let redacted = Redactor::new(&rules).text("text", text.clone());
            let is_named = redacted.contains(&format!("[redacted:{name}]"));
            if !is_named || !redacted.starts_with("see ") || !redacted.ends_with("there)") {
                wrong.push(format!("{name}: {text} became {}", *redacted));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}",
        wrong.join(
            "
"
        )
    );
}

#[test]
fn every_rule_has_an_example_and_a_pattern_that_compiles() {
    let rules = Rules::builtin().expect("the rules load");
    for (index, rule) in rules.all().iter().enumerate() {
        if matches!(rule.find, Find::Given) {
            continue;
        }
        let mut known = EXAMPLES.iter().map(|(name, _)| name).chain(WITHOUT_EXAMPLE);
        assert!(known.any(|name| *name == rule.name), "{} has no example", rule.name);
        if let Find::Token(_) | Find::Phrase(_) = rule.find {
            assert!(rules.anchored(index).as_str().starts_with('^'));
            assert!(!rules.anywhere(index).is_match(b""), "{} matches nothing at all", rule.name);
        }
    }
}

#[test]
fn the_page_on_redaction_names_every_rule() {
    const DOMAINS: [&str; 8] = [
        "Clouds and hosting",
        "Forges, registries, builds",
        "Language models",
        "Messages and webhooks",
        "Payment and shops",
        "Monitoring and security",
        "Work, design, social networks",
        "Of no one service",
    ];
    let page = include_str!("../../../docs/redaction.md");
    let mut expected = String::new();
    for (domain, table) in DOMAINS.iter().zip(TABLES) {
        let mut names: Vec<&str> = table.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        expected.extend(["- **", domain, "**: ", &names.join(", "), ".\n"]);
    }
    let listed = page.split_once("<!-- rules -->\n").and_then(|(_, rest)| rest.split_once("<!-- "));
    let listed = listed.map_or("", |(listed, _)| listed);
    assert_eq!(listed, expected, "docs/redaction.md must list:\n{expected}");
}

#[test]
fn marks_are_matched_by_no_rule() {
    let rules = Rules::builtin().expect("the rules load");
    for rule in rules.all() {
        for before in
            ["", "password=", "\"api_key\": \"", "Authorization: Bearer ", "postgres://u:"]
        {
            let text = format!("{before}[redacted:{}]@host", rule.name);
            let redacted = Redactor::new(&rules).text("token", text.clone());
            assert_eq!(*redacted, text);
        }
    }
}

#[test]
fn a_rule_with_a_bad_name_or_without_keywords_is_refused() {
    for rule in [Rule::token("Bad Name", &["x"], "x"), Rule::token("none", &[], "x")] {
        assert!(Rules::of(vec![rule]).is_err(), "{}", rule.name);
    }
}

#[test]
fn placeholders_of_known_formats_stay() {
    let rules = Rules::builtin().expect("the rules load");
    for text in [
        "AIzaSyXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
        "regex: `ghp_[A-Za-z0-9]{36}`",
        "glpat-xxxxxxxxxxxxxxxxxxxx",
        "API-BASED-PAYMENTS-AND-MORE",
        "Authorization: Bearer None",
        "curl --user user:pass --digest",
        "postgres://postgres:postgres@localhost/x",
    ] {
        assert_eq!(*Redactor::new(&rules).text("text", text.to_owned()), text);
    }
}

/// The template of a key behind the name of its service: the first of its shapes, as short as it
/// can be.
fn service_template((name, shapes): &(&str, &str)) -> String {
    let shape = shapes.split(" | ").next().unwrap_or_default().trim_start_matches('!');
    let part = |part: &str| match part.split_once(['-', '[']).map_or(part, |(head, _)| head) {
        "uuid" => "{h8}-{h4}-{h4}-{h4}-{h12}".to_owned(),
        _ if part.starts_with('\'') => part.trim_matches('\'').to_owned(),
        head => format!("{{{head}}}"),
    };
    format!("{name} api key: {}", shape.split(' ').map(part).collect::<String>())
}

/// A text as it is wrapped on its way into a transcript.
fn wrapped(text: &str, form: u8) -> String {
    let json = |text: &str| serde_json::to_string(text).expect("a text");
    match form {
        0 => json(text),
        1 => json(&json(text)),
        2 => text.bytes().fold(String::new(), |all, byte| all + &format!("%{byte:02x}")),
        3 => format!("\u{1b}[33m{text}\u{1b}[0m"),
        4 => text.lines().fold(String::new(), |all, line| all + "    1\t" + line + "\n"),
        _ => text.to_owned(),
    }
}

proptest! {
    #[test]
    fn redacting_twice_changes_nothing_of_what_any_rule_finds(
        parts in proptest::collection::vec((any::<prop::sample::Index>(), 1_u64..64, 0_u8..9, 0_usize..8), 1..5),
    ) {
        static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::builtin().expect("the rules load"));
        let services = [BUSINESS, DATA, INFRASTRUCTURE, MESSAGES].concat();
        let joints = ["", " ", "\n", "=", "\": \"", ",", "&", "\\n"];
        let mut text = String::new();
        for (which, seed, form, joint) in parts {
            let which = which.index(EXAMPLES.len() + services.len());
            let template = match EXAMPLES.get(which) {
                Some((_, template)) => (*template).to_owned(),
                None => service_template(&services[which - EXAMPLES.len()]),
            };
            text.push_str(&wrapped(&filled(&template, seed), form));
            text.push_str(joints[joint]);
        }
        let once = Redactor::new(&RULES).text("text", text).into_inner();
        let twice = Redactor::new(&RULES).text("text", once.clone()).into_inner();
        prop_assert_eq!(twice, once);
    }
}

#[test]
fn every_service_redacts_a_key_of_its_shape() {
    let rules = Rules::builtin().expect("the rules load");
    let services = [BUSINESS, DATA, INFRASTRUCTURE, MESSAGES].concat();
    let is_left = |service: &&(&str, &str)| {
        let text = filled(&service_template(service), 7);
        let redacted = Redactor::new(&rules).text("text", text.clone());
        *redacted == text
    };
    let left: Vec<_> = services.iter().filter(is_left).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The lines of a file above its tests.
fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().take_while(|line| *line != "#[cfg(test)]")
}

#[test]
fn every_entry_says_where_its_shape_comes_from() {
    let tables = [
        include_str!("ai.rs"),
        include_str!("cloud.rs"),
        include_str!("forge.rs"),
        include_str!("general.rs"),
        include_str!("messages.rs"),
        include_str!("monitoring.rs"),
        include_str!("payment.rs"),
        include_str!("work.rs"),
    ];
    let mut entries = 0;
    for table in tables {
        let mut has_source = false;
        for line in lines(table).skip_while(|line| !line.contains(" const RULES: ")) {
            if line.starts_with("    Rule::") || line.starts_with("    SERVICE_KEYS") {
                assert!(has_source, "no source stands above {line}");
                (entries, has_source) = (entries + 1, false);
            } else {
                has_source |= line.starts_with("    // Source: ");
            }
        }
    }
    let all: usize = TABLES.iter().map(|table| table.len()).sum();
    assert_eq!(entries, all, "each entry begins a line");
}

#[test]
fn every_service_says_where_its_shape_comes_from() {
    let tables = [
        (BUSINESS, include_str!("../services/business.rs")),
        (DATA, include_str!("../services/data.rs")),
        (INFRASTRUCTURE, include_str!("../services/infrastructure.rs")),
        (MESSAGES, include_str!("../services/messages.rs")),
    ];
    for (table, text) in tables {
        let is_row = |line: &&str| line.starts_with("    (\"") || line.starts_with("    ),");
        let source = |line: &str| line.rsplit_once("),").map_or("", |(_, rest)| rest).trim().len();
        let rows: Vec<usize> = lines(text).filter(is_row).map(source).collect();
        assert!(rows.iter().all(|length| *length > 5), "each row ends with its source");
        assert_eq!(rows.len(), table.len());
    }
}
