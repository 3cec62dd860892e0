//! Cloud providers and hosting.

use crate::redact::checks::is_random;
use crate::redact::checks::is_token_with_digits;
use crate::redact::places;
use crate::redact::rules::Find;
use crate::redact::rules::Rule;

/// Rules for cloud providers and hosting.
pub(super) const RULES: &[Rule] = &[
    // AWS IAM user guide, "unique identifiers": the key id is no secret by itself, but half of one.
    Rule::token(
        "aws-access-key-id",
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}\b",
    ),
    // AWS STS: tokens of temporary credentials begin with a fixed protobuf head in base64.
    Rule::token(
        "aws-session-token",
        &["IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz"],
        r"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[A-Za-z0-9/+=%]{60,}",
    ),
    // AWS Signature Version 4, query parameters: whoever has the URL has the object.
    Rule::phrase("aws-presigned-url", &["X-Amz-Signature="], r"(?i)x-amz-signature=([0-9a-f]{64})"),
    Rule::phrase(
        "aws-session-token",
        &["X-Amz-Security-Token="],
        r"(?i)x-amz-security-token=([A-Za-z0-9/+=%_-]{40,})",
    ),
    // Amazon Bedrock API keys.
    Rule::token("aws-bedrock-key", &["ABSK"], r"ABSK[A-Za-z0-9+/]{100,}={0,2}"),
    Rule::token("aws-bedrock-key", &["bedrock-api-key-"], r"bedrock-api-key-[A-Za-z0-9+/=_-]{60,}"),
    // The secret half of a key pair, beside the id that is its first.
    Rule::phrase(
        "aws-secret-access-key",
        &["AKIA", "ASIA"],
        r"A(?:KIA|SIA)[A-Z0-9]{16}[\x22']?[\s,:;|&]{1,8}(?:[A-Za-z_ ]{0,30}[=:][\s]{0,4})?[\x22']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)",
    )
    .checked(is_random),
    // Google Cloud: API keys; OAuth access and refresh tokens, client secrets.
    Rule::token("google-api-key", &["AIza"], r"AIza[A-Za-z0-9_-]{35}"),
    Rule::token("google-api-key", &["AQ.Ab8"], r"AQ\.Ab8[A-Za-z0-9_-]{40,60}"),
    Rule::token("google-oauth-token", &["ya29."], r"ya29\.[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*"),
    Rule::token("google-refresh-token", &["1//0"], r"1//0[A-Za-z0-9_-]{30,}"),
    Rule::token("google-client-secret", &["GOCSPX-"], r"GOCSPX-[A-Za-z0-9_-]{28}"),
    // Azure: storage keys are 64 bytes, SAS signatures 32 bytes in base64, often percent-encoded.
    Rule::phrase(
        "azure-storage-key",
        &["AccountKey=", "SharedAccessKey="],
        r"(?i)(?:account|sharedaccess)key=([A-Za-z0-9+/%]{40,}={0,2})",
    ),
    Rule::phrase("azure-sas", &["sig="], r"(?i)sig=([A-Za-z0-9%+/]{40,}(?:=|%3D){0,2})")
        .checked(is_token_with_digits),
    // Microsoft Entra client secrets: three characters, digit, `Q~`.
    Rule {
        name: "azure-client-secret",
        keywords: &["0Q~", "1Q~", "2Q~", "3Q~", "4Q~", "5Q~", "6Q~", "7Q~", "8Q~", "9Q~"],
        find: Find::Scan(places::find_entra_secret),
        check: is_token_with_digits,
    },
    Rule::token(
        "digitalocean-token",
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        r"do[opr]_v1_[a-f0-9]{64}",
    ),
    Rule::token("alibaba-access-key-id", &["LTAI"], r"LTAI[A-Za-z0-9]{12,26}\b")
        .checked(is_token_with_digits),
    Rule::token(
        "yandex-key",
        &["AQVN", "t1.9eu"],
        r"(?:AQVN[A-Za-z0-9_-]{35,38}|t1\.[A-Za-z0-9_-]+={0,2}\.[A-Za-z0-9_-]{86}={0,2})",
    ),
    Rule::token("tencent-key-id", &["AKID"], r"AKID[A-Za-z0-9]{32}\b").checked(is_token_with_digits),
    Rule::token("baidu-key", &["bce-v3/ALTAK-", "ALTAK"], r"(?:bce-v3/)?ALTAK-?[A-Za-z0-9]{20,24}(?:/[a-f0-9]{40})?"),
    Rule::token("volcengine-key", &["AKLT"], r"AKLT[A-Za-z0-9_-]{40,60}={0,2}").checked(is_token_with_digits),
    Rule::token("scaleway-key", &["SCW"], r"SCW[A-Z0-9]{17}\b").checked(is_token_with_digits),
    Rule::token("aiven-key", &["AVNS_"], r"AVNS_[A-Za-z0-9_-]{15,25}\b"),
    Rule::token("cloudflare-token", &["cfut_", "cfat_", "cfk_"], r"cf(?:ut|at|k)_[A-Za-z0-9_-]{40,}"),
    Rule::token("render-key", &["rnd_"], r"rnd_[A-Za-z0-9]{28,40}\b"),
    Rule::token("scalingo-token", &["tk-us-"], r"tk-us-[A-Za-z0-9_-]{48}"),
    Rule::token("cockroach-key", &["CCDB1_"], r"CCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40}"),
    Rule::token("neon-key", &["napi_"], r"napi_[a-z0-9]{50,70}\b"),
    Rule::token("xata-key", &["xau_"], r"xau_[A-Za-z0-9]{30,50}"),
    Rule::token("tinybird-token", &["p.eyJ"], r"p\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}"),
    Rule::token("snowflake-token", &["ver:1-hint:"], r"ver:1-hint:\d+-ETMsDgAAA[A-Za-z0-9+/=]{40,}"),
    Rule::token("defined-networking-token", &["dnkey-"], r"dnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}"),
    Rule::token("localstack-token", &["ls-"], r"ls-[A-Za-z0-9]{8}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{12}").checked(is_token_with_digits),
    Rule::token("akamai-token", &["akab-"], r"akab-[a-z0-9]{16}-[a-z0-9]{16}"),
    Rule::token("heroku-key", &["HRKU-"], r"HRKU-[A-Za-z0-9_-]{36,64}"),
    Rule::token(
        "flyio-token",
        &["fo1_", "fm1_", "fm1a_", "fm1r_", "fm2_"],
        r"(?:fo1_[\w-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{80,}={0,3})",
    ),
    Rule::token(
        "planetscale-token",
        &["pscale_"],
        r"pscale_(?:tkn|oauth|pw)_[A-Za-z0-9=._-]{32,64}",
    ),
    Rule::token("databricks-token", &["dapi"], r"dapi[a-f0-9]{32}(?:-\d)?\b")
        .checked(is_token_with_digits),
    Rule::token(
        "doppler-token",
        &["dp.pt.", "dp.st.", "dp.sa.", "dp.ct.", "dp.scim.", "dp.audit."],
        r"dp\.(?:pt|st|sa|ct|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",
    ),
    Rule::token("vault-token", &["hvs.", "hvb.", "hvr."], r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    Rule::token("terraform-token", &[".atlasv1."], r"\.atlasv1\.[A-Za-z0-9_=-]{60,70}"),
    Rule {
        name: "azure-key",
        keywords: &["AZDO", "AzFu", "ACRC", "+ACR", "AzSe", "AzCa", "AIoT", "APIM", "ACDb", "+ASt", "+ABa", "+AMC", "AzEG", "+AEh", "+ARm", "+ASb", "JQQJ99", "ACAAAA"],
        find: Find::Scan(places::find_azure_key),
        check: is_token_with_digits,
    },
    Rule::token("pulumi-token", &["pul-"], r"pul-[a-f0-9]{40}\b"),
    Rule::token(
        "supabase-key",
        &["sb_secret_", "sbp_"],
        r"sb(?:_secret_[A-Za-z0-9_-]{30,}|p_(?:v0_)?[a-z0-9]{40})",
    ),
    Rule::token("mongodb-service-key", &["mdb_sa_sk_"], r"mdb_sa_sk_[A-Za-z0-9_-]{40}"),
    Rule::token("clickhouse-cloud-key", &["4b1d"], r"4b1d[A-Za-z0-9]{38}\b")
        .checked(is_token_with_digits),
    Rule::token("openshift-token", &["sha256~"], r"sha256~[A-Za-z0-9_-]{43}"),
    Rule::token(
        "age-key",
        &["AGE-SECRET-KEY-1"],
        r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    ),
    // Vercel's prefixed tokens.
    Rule::token(
        "vercel-token",
        &["vcp_", "vck_", "vci_", "vca_", "vcr_"],
        r"vc[pkiar]_[A-Za-z0-9]{24,64}",
    ),
    Rule::token("netlify-token", &["nfp_"], r"nfp_[A-Za-z0-9]{36,40}"),
    Rule::token("cloudflare-origin-key", &["v1.0-"], r"v1\.0-[a-f0-9]{24}-[a-f0-9]{140,150}"),
];
