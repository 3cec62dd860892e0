//! Code forges, package registries and build services.

use crate::redact::checks::is_token_with_digits;
use crate::redact::checksums;
use crate::redact::rules::Rule;

/// Rules for forges, registries and build services.
pub(super) const RULES: &[Rule] = &[
    // Prefix, 30 random characters, 6 of checksum. Redacted by format alone: a mistyped token is
    // still nearly a token.
    // Source: GitHub, "Behind GitHub's new authentication token formats"; gitleaks github-pat.
    Rule::token(
        "github-token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        r"gh[pousr]_[A-Za-z0-9]{36,255}",
    )
    .summed(checksums::holds_base62),
    // Source: GitHub, "About authentication to GitHub"; gitleaks github-fine-grained-pat.
    Rule::token("github-token", &["github_pat_"], r"github_pat_[A-Za-z0-9_]{60,255}")
        .summed(checksums::holds_base62),
    // Source: GitLab, "Token overview", prefixes; handbook, "Routable tokens".
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
    )
    .summed(checksums::holds_base36),
    // Source: gitleaks gitlab-session-cookie.
    Rule::token("gitlab-cookie", &["_gitlab_session="], r"_gitlab_session=([0-9a-z]{32})"),
    // Bitbucket and other Atlassian tokens.
    // Source: gitleaks atlassian-api-token; trufflehog atlassian, bitbucketapppassword.
    Rule::token(
        "atlassian-token",
        &["ATATT3", "ATBB", "ATCTT3", "ATSTT3"],
        r"AT(?:ATT3|CTT3|STT3)[A-Za-z0-9_=-]{60,}|ATBB[A-Za-z0-9]{24,32}(?:=[A-F0-9]{8})?",
    ),
    // Source: npm, "About access tokens"; GitHub changelog, "npm has a new access token format".
    Rule::token("npm-token", &["npm_"], r"npm_[A-Za-z0-9]{36,}")
        .checked(is_token_with_digits)
        .summed(checksums::holds_base62),
    // Source: npm, ".npmrc", auth related configuration.
    Rule::phrase("npm-token", &["_authToken="], r"(?i)_authtoken=([^\s$\x22'\\]{16,})")
        .checked(is_token_with_digits),
    // PyPI: macaroons, which begin with the host.
    // Source: PyPI, "Publishing with an API token"; gitleaks pypi-upload-token.
    Rule::token("pypi-token", &["pypi-AgE"], r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    // Source: gitleaks rubygems-api-token; kingfisher rubygems; trufflehog rubygems.
    Rule::token("rubygems-key", &["rubygems_"], r"rubygems_[a-f0-9]{42,52}"),
    // Source: kingfisher crates.io; betterleaks crates-io-api-key.
    Rule::token("crates-token", &["cio"], r"cio[A-Za-z0-9]{32}\b").checked(is_token_with_digits),
    // Source: kingfisher nuget; betterleaks nuget-api-key.
    Rule::token("nuget-key", &["oy2"], r"oy2[a-z0-9]{43}\b").checked(is_token_with_digits),
    // Source: kingfisher dockerhub; betterleaks dockerhub-organization-access-token,
    // dockerhub-personal-access-token; trufflehog dockerhub.
    Rule::token("docker-token", &["dckr_pat_", "dckr_oat_"], r"dckr_[po]at_[A-Za-z0-9_-]{27,}"),
    // Source: gitleaks artifactory-api-key, artifactory-reference-token; kingfisher artifactory.
    Rule::token(
        "artifactory-token",
        &["AKC", "cmVmdGtuO"],
        r"(?:AKC[A-Za-z0-9]{60,}|cmVmdGtuO[A-Za-z0-9]{50,})",
    ),
    // Source: kingfisher circleci; betterleaks circleci-personal-token; trufflehog circleci.
    Rule::token(
        "circleci-token",
        &["CCIPAT_", "CCIPRJ_"],
        r"CCIP(?:AT|RJ)_[A-Za-z0-9]+_[a-z0-9]{40}",
    ),
    // Source: kingfisher buildkite; betterleaks buildkite-user-access-token; trufflehog buildkite.
    Rule::token("buildkite-token", &["bkua_"], r"bkua_[a-z0-9]{40}"),
    // Source: gitleaks sourcegraph-access-token; kingfisher sourcegraph.
    Rule::token(
        "sourcegraph-token",
        &["sgp_", "slk_"],
        r"(?:sgp_(?:[A-Fa-f0-9]{16}_|local_){0,2}[A-Fa-f0-9]{40}|slk_[A-Fa-f0-9]{64})",
    ),
    // Source: gitleaks infracost-api-token.
    Rule::token("infracost-key", &["ico-"], r"ico-[A-Za-z0-9]{32}\b").checked(is_token_with_digits),
    // Source: kingfisher circleci; betterleaks circleci-personal-token; trufflehog circleci.
    Rule::token(
        "circleci-token",
        &["CCIPAT_", "CCIPRJ_"],
        r"CCIP(?:AT|RJ)_[A-Za-z0-9]{16,30}_[A-Fa-f0-9]{30,44}",
    ),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("depot-token", &["depot_"], r"depot_(?:org|project|user)_[A-Za-z0-9]{40,80}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("chromatic-token", &["chpt_"], r"chpt_[a-f0-9]{12,20}\b"),
    // Source: JetBrains YouTrack and Hub, "Permanent token"; both parts before the last are base64.
    Rule::token(
        "jetbrains-token",
        &["perm:", "perm-"],
        r"perm[:-][A-Za-z0-9+/=]{4,60}\.[A-Za-z0-9+/=]{4,60}\.[A-Za-z0-9+/=]{16,60}",
    ),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("jsr-token", &["jsrp_", "jsrd_"], r"jsr[pd]_[A-Za-z0-9]{30,}"),
    // Source: betterleaks deno-account-token; trufflehog deno.
    Rule::token("deno-token", &["ddp_", "ddw_"], r"dd[pw]_[A-Za-z0-9]{36}\b"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("hex-key", &["hex_"], r"hex_[a-f0-9]{32}\b"),
    // Source: betterleaks cloudsmith-api-key.
    Rule::token("cloudsmith-key", &["csat_", "csa_"], r"csat?_[A-Za-z0-9]{36,44}\b")
        .checked(is_token_with_digits),
    // Source: gitleaks prefect-api-token; kingfisher prefect; trufflehog prefect.
    Rule::token("prefect-key", &["pnu_"], r"pnu_[A-Za-z0-9]{36}\b"),
    // Source: kingfisher dependency_track.
    Rule::token("dependency-track-key", &["odt_"], r"odt_[A-Za-z0-9]{32,255}"),
    // Source: gitleaks clojars-api-token.
    Rule::token("clojars-token", &["CLOJARS_"], r"CLOJARS_[a-z0-9]{60}"),
    // Source: Octopus Deploy, "How to create an API key"; gitleaks octopus-deploy-api-key.
    Rule::token("octopus-key", &["API-"], r"API-[A-Z0-9]{26}\b").checked(is_token_with_digits),
    // Source: gitleaks sonar-api-token; kingfisher sonarqube.
    Rule::token("sonar-token", &["squ_", "sqp_", "sqa_"], r"sq[upa]_[a-z0-9]{40}\b"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token(
        "snyk-token",
        &["snyk_uat.", "snyk_sat."],
        r"snyk_[us]at\.[a-z0-9]{8}\.[A-Za-z0-9_.-]{40,}",
    ),
];
