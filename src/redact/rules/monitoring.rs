//! Monitoring, analysis and security services.

use crate::redact::checks::is_token_with_digits;
use crate::redact::rules::Rule;

/// Rules for services that watch others.
pub(super) const RULES: &[Rule] = &[
    // Monitoring.
    Rule::token(
        "grafana-token",
        &["glsa_", "glc_", "eyJrIjoi"],
        r"(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2}|eyJrIjoi[A-Za-z0-9+/]{60,}={0,2})",
    ),
    Rule::token(
        "newrelic-key",
        &["NRAK-", "NRII-", "NRJS-", "NRRA-", "NRBR-"],
        r"NR(?:AK|II|JS|RA|BR)-[A-Za-z0-9]{19,42}",
    ),
    Rule::token(
        "sentry-token",
        &["sntrys_", "sntryu_", "sntryi_"],
        r"(?:sntrys_[A-Za-z0-9+/=_-]{60,}|sntry[ui]_[a-f0-9]{64})",
    ),
    Rule::token(
        "dynatrace-token",
        &["dt0c01.", "dt0s01.", "dt0s16."],
        r"dt0[a-z]\d\d\.[A-Za-z0-9]{8,24}\.[A-Za-z0-9]{60,64}",
    ),
    Rule::token("posthog-key", &["phx_", "phs_"], r"ph[xs]_[A-Za-z0-9_]{40,}"),
    Rule::token("logfire-token", &["pylf_v1_"], r"pylf_v1_[a-z]{2}_[A-Za-z0-9]{40,}"),
    Rule::token(
        "launchdarkly-key",
        &["sdk-", "api-", "mob-"],
        r"(?:sdk|api|mob)-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}\b",
    ),
    Rule::token(
        "honeycomb-key",
        &["hcaik_", "hcbik_", "hcxik_", "hcaic_", "hcalk_", "hcxlk_", "hcamk_"],
        r"hc[abx](?:ik|lk|mk|ic)_[A-Za-z0-9]{26,60}",
    ),
    Rule::token(
        "axiom-token",
        &["xaat-", "xapt-"],
        r"xa[ap]t-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    Rule::token("pagerduty-key", &["pdus+"], r"pdus\+_[A-Za-z0-9_+-]{10,}"),
    Rule::token("rootly-key", &["rootly_"], r"rootly_[a-f0-9]{60,}"),
    Rule::token(
        "logicmonitor-token",
        &["lmv1 ", "LMA_", "lmb_"],
        r"(?:LMA_|lmb_)[A-Za-z0-9+/=_-]{30,}|lmv1 [^\s:]{4,40}:[A-Za-z0-9+/=]{40,}:\d+",
    ),
    Rule::token("fullstory-key", &["na1.", "eu1."], r"(?:na|eu)1\.[A-Za-z0-9+/]{60,}={0,2}"),
    Rule::token("coralogix-key", &["cxtp_", "cxup_"], r"cx[tu]p_[A-Za-z0-9]{30,}"),
    Rule::token("statsig-key", &["secret-"], r"secret-[A-Za-z0-9]{40,50}\b")
        .checked(is_token_with_digits),
    Rule::token("stackhawk-key", &["hawk."], r"hawk\.[A-Za-z0-9_-]{20}\.[A-Za-z0-9_-]{20}"),
    Rule::token("nightfall-key", &["NF-"], r"NF-[A-Za-z0-9]{32}\b").checked(is_token_with_digits),
    Rule::token("gitguardian-token", &["ggtt-"], r"ggtt-v-[a-z0-9]{30,}"),
    Rule::token(
        "semgrep-token",
        &["sgp_", "semgrep_"],
        r"(?:semgrep_[A-Za-z0-9_]{30,}|sgp_[A-Za-z0-9]{64})\b",
    ),
    Rule::token(
        "devcycle-key",
        &["dvc_server_", "dvc_client_", "dvc_mobile_"],
        r"dvc_(?:server|client|mobile)_[A-Za-z0-9_]{30,}",
    ),
];
