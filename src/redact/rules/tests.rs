use super::*;
use crate::redact::Redactor;

/// One example for each kind of token, as a template, so that no scanner takes it for a leak.
/// `{a36}` stands for 36 letters and digits; `l` lower-case and digits, `L` capitals and digits,
/// `U` capitals and 2 to 7, `h` hexadecimal, `d` digits, `w` letters only.
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
        let alphabet: Vec<char> = match code.chars().next() {
            Some('h') => "0123456789abcdef".chars().collect(),
            Some('d') => ('1'..='9').collect(),
            Some('l') => ('a'..='z').chain('0'..='9').collect(),
            Some('L') => ('A'..='Z').chain('0'..='9').collect(),
            Some('U') => ('A'..='Z').chain('2'..='7').collect(),
            Some('w') => ('a'..='z').chain('A'..='Z').collect(),
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
    for (name, template) in EXAMPLES {
        for seed in 1..4 {
            let text = format!("see {}\n(there)", filled(template, seed));
            let redacted = Redactor::new(&rules).text("text", text.clone());
            assert!(
                redacted.contains(&format!("[redacted:{name}]")),
                "{name}: {text} became {}",
                *redacted
            );
            assert!(redacted.starts_with("see ") && redacted.ends_with("there)"), "{}", *redacted);
        }
    }
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
