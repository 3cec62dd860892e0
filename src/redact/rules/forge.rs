//! Code forges, package registries and build services.

use crate::redact::checks::is_token_with_digits;
use crate::redact::rules::Rule;

/// Rules for forges, registries and build services.
pub(super) const RULES: &[Rule] = &[
    // GitHub, "token formats": prefix, 30 random characters, 6 of checksum. Redacted by format
    // alone: a mistyped token is still nearly a token.
    Rule::token(
        "github-token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"gh[pousr]_[A-Za-z0-9]{36,255}",
    ),
    Rule::token("github-token", &["github_pat_"], r"github_pat_[A-Za-z0-9_]{60,255}"),
    // GitLab documentation, "token overview": prefixes.
    Rule::token(
        "gitlab-token",
        &[
            "glpat-",
            "gldt-",
            "glrt-",
            "glcbt-",
            "glptt-",
            "glft-",
            "glimt-",
            "glagent-",
            "gloas-",
            "glsoat-",
            "glffct-",
            "glrtr-",
            "glwt-",
            "gldp-",
            "GR1348941",
        ],
        r"(?:gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct|rtr|wt|dp)-|GR1348941)[A-Za-z0-9_.=-]{20,}",
    ),
    Rule::token("gitlab-cookie", &["_gitlab_session="], r"_gitlab_session=([0-9a-z]{32})"),
    // Bitbucket and other Atlassian tokens.
    Rule::token(
        "atlassian-token",
        &["ATATT3", "ATBB", "ATCTT3", "ATSTT3"],
        r"AT(?:ATT3|CTT3|STT3)[A-Za-z0-9_=-]{60,}|ATBB[A-Za-z0-9]{24,32}(?:=[A-F0-9]{8})?",
    ),
    Rule::token("npm-token", &["npm_"], r"npm_[A-Za-z0-9]{36,}").checked(is_token_with_digits),
    Rule::phrase("npm-token", &["_authToken="], r"(?i)_authtoken=([^\s$\x22'\\]{16,})")
        .checked(is_token_with_digits),
    // PyPI: macaroons, which begin with the host.
    Rule::token("pypi-token", &["pypi-AgE"], r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    Rule::token("rubygems-key", &["rubygems_"], r"rubygems_[a-f0-9]{42,52}"),
    Rule::token("crates-token", &["cio"], r"cio[A-Za-z0-9]{32}\b").checked(is_token_with_digits),
    Rule::token("nuget-key", &["oy2"], r"oy2[a-z0-9]{43}\b").checked(is_token_with_digits),
    Rule::token("docker-token", &["dckr_pat_", "dckr_oat_"], r"dckr_[po]at_[A-Za-z0-9_-]{27,}"),
    Rule::token(
        "artifactory-token",
        &["AKC", "cmVmdGtuO"],
        r"(?:AKC[A-Za-z0-9]{60,}|cmVmdGtuO[A-Za-z0-9]{50,})",
    ),
    Rule::token(
        "circleci-token",
        &["CCIPAT_", "CCIPRJ_"],
        r"CCIP(?:AT|RJ)_[A-Za-z0-9]+_[a-z0-9]{40}",
    ),
    Rule::token("buildkite-token", &["bkua_"], r"bkua_[a-z0-9]{40}"),
    Rule::token(
        "sourcegraph-token",
        &["sgp_", "slk_"],
        r"(?:sgp_(?:[A-Fa-f0-9]{16}_|local_){0,2}[A-Fa-f0-9]{40}|slk_[A-Fa-f0-9]{64})",
    ),
    Rule::token("infracost-key", &["ico-"], r"ico-[A-Za-z0-9]{32}\b").checked(is_token_with_digits),
    Rule::token(
        "circleci-token",
        &["CCIPAT_", "CCIPRJ_"],
        r"CCIP(?:AT|RJ)_[A-Za-z0-9]{16,30}_[A-Fa-f0-9]{30,44}",
    ),
    Rule::token("depot-token", &["depot_"], r"depot_(?:org|project|user)_[A-Za-z0-9]{40,80}"),
    Rule::token("chromatic-token", &["chpt_"], r"chpt_[a-f0-9]{12,20}\b"),
    Rule::token(
        "jetbrains-token",
        &["perm:", "perm-"],
        r"perm[:-][A-Za-z0-9+/=]{4,60}\.[A-Za-z0-9+/=]{4,60}\.[A-Za-z0-9+/=]{16,60}",
    ),
    Rule::token("jsr-token", &["jsrp_", "jsrd_"], r"jsr[pd]_[A-Za-z0-9]{30,}"),
    Rule::token("deno-token", &["ddp_", "ddw_"], r"dd[pw]_[A-Za-z0-9]{36}\b"),
    Rule::token("hex-key", &["hex_"], r"hex_[a-f0-9]{32}\b"),
    Rule::token("cloudsmith-key", &["csat_", "csa_"], r"csat?_[A-Za-z0-9]{36,44}\b")
        .checked(is_token_with_digits),
    Rule::token("prefect-key", &["pnu_"], r"pnu_[A-Za-z0-9]{36}\b"),
    Rule::token("dependency-track-key", &["odt_"], r"odt_[A-Za-z0-9]{32,255}"),
    Rule::token("clojars-token", &["CLOJARS_"], r"CLOJARS_[a-z0-9]{60}"),
    Rule::token("octopus-key", &["API-"], r"API-[A-Z0-9]{26}\b").checked(is_token_with_digits),
    Rule::token("sonar-token", &["squ_", "sqp_", "sqa_"], r"sq[upa]_[a-z0-9]{40}\b"),
    Rule::token(
        "snyk-token",
        &["snyk_uat.", "snyk_sat."],
        r"snyk_[us]at\.[a-z0-9]{8}\.[A-Za-z0-9_.-]{40,}",
    ),
];
