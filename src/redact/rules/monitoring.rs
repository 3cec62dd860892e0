//! Monitoring, analysis and security services.

use crate::redact::checks::is_token_with_digits;
use crate::redact::checksums;
use crate::redact::rules::Rule;

/// Rules for services that watch others.
pub(super) const RULES: &[Rule] = &[
    // Monitoring.
    // Source: gitleaks grafana-api-key, grafana-cloud-api-token; kingfisher grafana; trufflehog
    // grafana.
    Rule::token(
        "grafana-token",
        &["glsa_", "glc_", "eyJrIjoi"],
        r"(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2}|eyJrIjoi[A-Za-z0-9+/]{60,}={0,2})",
    )
    .summed(checksums::holds_hexadecimal),
    // Source: gitleaks new-relic-browser-api-token, new-relic-insert-key; trufflehog
    // newrelicbrowserkey.
    Rule::token(
        "newrelic-key",
        &["NRAK-", "NRII-", "NRJS-", "NRRA-", "NRBR-"],
        r"NR(?:AK|II|JS|RA|BR)-[A-Za-z0-9]{19,42}",
    ),
    // Source: gitleaks sentry-org-token, sentry-user-token; Sentry, "Auth tokens".
    Rule::token(
        "sentry-token",
        &["sntrys_", "sntryu_", "sntryi_"],
        r"(?:sntrys_[A-Za-z0-9+/=_-]{60,}|sntry[ui]_[a-f0-9]{64})",
    ),
    // Source: gitleaks dynatrace-api-token; kingfisher dynatrace.
    Rule::token(
        "dynatrace-token",
        &["dt0c01.", "dt0s01.", "dt0s16."],
        r"dt0[a-z]\d\d\.[A-Za-z0-9]{8,24}\.[A-Za-z0-9]{60,64}",
    ),
    // Source: kingfisher posthog; betterleaks posthog-personal-api-key; trufflehog posthog.
    Rule::token("posthog-key", &["phx_", "phs_"], r"ph[xs]_[A-Za-z0-9_]{40,}"),
    // Source: GitGuardian, detectors, "Pydantic Logfire Token": `pylf_v<version>_<region>_`.
    Rule::token("logfire-token", &["pylf_v1_"], r"pylf_v1_[a-z]{2}_[A-Za-z0-9]{40,}"),
    // Source: LaunchDarkly, "SDK keys": `sdk-`, `mob-`, `api-` and a UUID; trufflehog launchdarkly.
    Rule::token(
        "launchdarkly-key",
        &["sdk-", "api-", "mob-"],
        r"(?:sdk|api|mob)-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}\b",
    ),
    // Source: Honeycomb, "API keys": ingest and configuration keys, hc REGION and kind; as issued.
    Rule::token(
        "honeycomb-key",
        &["hcaik_", "hcbik_", "hcxik_", "hcaic_", "hcalk_", "hcxlk_", "hcamk_"],
        r"hc[abx](?:ik|lk|mk|ic)_[A-Za-z0-9]{26,60}",
    ),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token(
        "axiom-token",
        &["xaat-", "xapt-"],
        r"xa[ap]t-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    // Source: PagerDuty, "API concepts", scoped OAuth tokens; as issued.
    Rule::token("pagerduty-key", &["pdus+"], r"pdus\+_[A-Za-z0-9_+-]{10,}"),
    // Source: betterleaks rootly-api-key; trufflehog rootly.
    Rule::token("rootly-key", &["rootly_"], r"rootly_[a-f0-9]{60,}"),
    // Source: LogicMonitor, "REST API authentication": LMv1 and bearer tokens.
    Rule::token(
        "logicmonitor-token",
        &["lmv1 ", "LMA_", "lmb_"],
        r"(?:LMA_|lmb_)[A-Za-z0-9+/=_-]{30,}|lmv1 [^\s:]{4,40}:[A-Za-z0-9+/=]{40,}:\d+",
    ),
    // Source: kingfisher fullstory_v2; trufflehog fullstory.
    Rule::token("fullstory-key", &["na1.", "eu1."], r"(?:na|eu)1\.[A-Za-z0-9+/]{60,}={0,2}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("coralogix-key", &["cxtp_", "cxup_"], r"cx[tu]p_[A-Za-z0-9]{30,}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("statsig-key", &["secret-"], r"secret-[A-Za-z0-9]{40,50}\b")
        .checked(is_token_with_digits),
    // Source: kingfisher stackhawk.
    Rule::token("stackhawk-key", &["hawk."], r"hawk\.[A-Za-z0-9_-]{20}\.[A-Za-z0-9_-]{20}"),
    // Source: kingfisher nightfall; trufflehog nightfall.
    Rule::token("nightfall-key", &["NF-"], r"NF-[A-Za-z0-9]{32}\b").checked(is_token_with_digits),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("gitguardian-token", &["ggtt-"], r"ggtt-v-[a-z0-9]{30,}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token(
        "semgrep-token",
        &["sgp_", "semgrep_"],
        r"(?:semgrep_[A-Za-z0-9_]{30,}|sgp_[A-Za-z0-9]{64})\b",
    ),
    // Source: betterleaks devcycle-server-sdk-key, devcycle-client-sdk-key,
    // devcycle-mobile-sdk-key.
    Rule::token(
        "devcycle-key",
        &["dvc_server_", "dvc_client_", "dvc_mobile_"],
        r"dvc_(?:server|client|mobile)_[A-Za-z0-9_]{30,}",
    ),
];
