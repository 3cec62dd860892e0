//! Cloud providers and hosting.

use crate::redact::checks::is_random;
use crate::redact::checks::is_token_with_digits;
use crate::redact::checksums;
use crate::redact::places;
use crate::redact::rules::Find;
use crate::redact::rules::Rule;

/// Rules for cloud providers and hosting.
pub(super) const RULES: &[Rule] = &[
    // The key id is no secret by itself, but half of one.
    // Source: AWS IAM User Guide, "IAM identifiers", table of unique id prefixes; gitleaks
    // aws-access-token.
    Rule::token(
        "aws-access-key-id",
        &["AKIA", "ASIA", "ABIA", "ACCA"],
        r"A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}\b",
    ),
    // AWS STS: tokens of temporary credentials begin with a fixed protobuf head in base64.
    // Source: as AWS STS issues them; AWS does not document the shape.
    Rule::token(
        "aws-session-token",
        &["IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz"],
        r"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[A-Za-z0-9/+=%]{60,}",
    ),
    // Whoever has the URL has the object.
    // Source: AWS, "Signature Version 4", query parameters.
    Rule::phrase("aws-presigned-url", &["X-Amz-Signature="], r"(?i)x-amz-signature=([0-9a-f]{64})"),
    // Source: AWS, "Signature Version 4", query parameters.
    Rule::phrase(
        "aws-session-token",
        &["X-Amz-Security-Token="],
        r"(?i)x-amz-security-token=([A-Za-z0-9/+=%_-]{40,})",
    ),
    // Amazon Bedrock API keys.
    // Source: gitleaks aws-amazon-bedrock-api-key-long-lived.
    Rule::token("aws-bedrock-key", &["ABSK"], r"ABSK[A-Za-z0-9+/]{100,}={0,2}"),
    // Source: gitleaks aws-amazon-bedrock-api-key-long-lived,
    // aws-amazon-bedrock-api-key-short-lived.
    Rule::token("aws-bedrock-key", &["bedrock-api-key-"], r"bedrock-api-key-[A-Za-z0-9+/=_-]{60,}"),
    // The secret half of a key pair, beside the id that is its first.
    // Source: AWS CLI, "Configuration and credential file settings"; kingfisher aws.
    Rule::phrase(
        "aws-secret-access-key",
        &["AKIA", "ASIA"],
        r"A(?:KIA|SIA)[A-Z0-9]{16}[\x22']?[\s,:;|&]{1,8}(?:[A-Za-z_ ]{0,30}[=:][\s]{0,4})?[\x22']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)",
    )
    .checked(is_random),
    // Google Cloud: API keys; OAuth access and refresh tokens, client secrets.
    // Source: trufflehog googlegemini.
    Rule::token("google-api-key", &["AIza"], r"AIza[A-Za-z0-9_-]{35}"),
    // Source: betterleaks gcp-gemini-api.
    Rule::token("google-api-key", &["AQ.Ab8"], r"AQ\.Ab8[A-Za-z0-9_-]{40,60}"),
    // Source: kingfisher google; trufflehog googleoauth2.
    Rule::token("google-oauth-token", &["ya29."], r"ya29\.[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*"),
    // Source: kingfisher google.
    Rule::token("google-refresh-token", &["1//0"], r"1//0[A-Za-z0-9_-]{30,}"),
    // Source: kingfisher google.
    Rule::token("google-client-secret", &["GOCSPX-"], r"GOCSPX-[A-Za-z0-9_-]{28}"),
    // Azure: storage keys are 64 bytes, SAS signatures 32 bytes in base64, often percent-encoded.
    // Source: Azure Storage, "Configure connection strings"; kingfisher azurestorage.
    Rule::phrase(
        "azure-storage-key",
        &["AccountKey=", "SharedAccessKey="],
        r"(?i)(?:account|sharedaccess)key=([A-Za-z0-9+/%]{40,}={0,2})",
    ),
    // Source: Azure Storage, "Create a service SAS", the field `sig`.
    Rule::phrase("azure-sas", &["sig="], r"(?i)sig=([A-Za-z0-9%+/]{40,}(?:=|%3D){0,2})")
        .checked(is_token_with_digits),
    // Microsoft Entra client secrets: three characters, digit, `Q~`.
    // Source: gitleaks azure-ad-client-secret; trufflehog azure_entra.
    Rule::found("azure-client-secret", &["0Q~", "1Q~", "2Q~", "3Q~", "4Q~", "5Q~", "6Q~", "7Q~", "8Q~", "9Q~"], Find::Scan(places::find_entra_secret))
        .checked(is_token_with_digits),
    // Source: gitleaks digitalocean-access-token, digitalocean-pat; kingfisher digitalocean;
    // trufflehog digitaloceanv2.
    Rule::token(
        "digitalocean-token",
        &["dop_v1_", "doo_v1_", "dor_v1_"],
        r"do[opr]_v1_[a-f0-9]{64}",
    ),
    // Source: gitleaks alibaba-access-key-id; kingfisher alibaba; trufflehog alibaba.
    Rule::token("alibaba-access-key-id", &["LTAI"], r"LTAI[A-Za-z0-9]{12,26}\b")
        .checked(is_token_with_digits),
    // Source: gitleaks yandex-api-key.
    Rule::token(
        "yandex-key",
        &["AQVN", "t1.9eu"],
        r"(?:AQVN[A-Za-z0-9_-]{35,38}|t1\.[A-Za-z0-9_-]+={0,2}\.[A-Za-z0-9_-]{86}={0,2})",
    ),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("tencent-key-id", &["AKID"], r"AKID[A-Za-z0-9]{32}\b").checked(is_token_with_digits),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("baidu-key", &["bce-v3/ALTAK-", "ALTAK"], r"(?:bce-v3/)?ALTAK-?[A-Za-z0-9]{20,24}(?:/[a-f0-9]{40})?"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("volcengine-key", &["AKLT"], r"AKLT[A-Za-z0-9_-]{40,60}={0,2}").checked(is_token_with_digits),
    // Source: Scaleway, "How to create API keys", the access key begins with SCW.
    Rule::token("scaleway-key", &["SCW"], r"SCW[A-Z0-9]{17}\b").checked(is_token_with_digits),
    // Source: as issued: passwords of Aiven services; no public page that we know describes the
    // shape.
    Rule::token("aiven-key", &["AVNS_"], r"AVNS_[A-Za-z0-9_-]{15,25}\b"),
    // Source: betterleaks cloudflare-api-key, cloudflare-api-key; trufflehog cloudflareapitoken.
    Rule::token("cloudflare-token", &["cfut_", "cfat_", "cfk_"], r"cf(?:ut|at|k)_[A-Za-z0-9_-]{40,}"),
    // Source: betterleaks render-api-key.
    Rule::token("render-key", &["rnd_"], r"rnd_[A-Za-z0-9]{28,40}\b"),
    // Source: gitleaks scalingo-api-token.
    Rule::token("scalingo-token", &["tk-us-"], r"tk-us-[A-Za-z0-9_-]{48}"),
    // Source: betterleaks cockroachlabs-cloud-api-key.
    Rule::token("cockroach-key", &["CCDB1_"], r"CCDB1_[A-Za-z0-9]{22}_[A-Za-z0-9]{40}"),
    // Source: betterleaks neon-api-key.
    Rule::token("neon-key", &["napi_"], r"napi_[a-z0-9]{50,70}\b"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("xata-key", &["xau_"], r"xau_[A-Za-z0-9]{30,50}"),
    // Source: Tinybird, "Tokens": a JSON Web Token behind `p.`.
    Rule::token("tinybird-token", &["p.eyJ"], r"p\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}"),
    // Source: as the Snowflake clients cache them; no public page that we know describes the shape.
    Rule::token("snowflake-token", &["ver:1-hint:"], r"ver:1-hint:\d+-ETMsDgAAA[A-Za-z0-9+/=]{40,}"),
    // Source: gitleaks defined-networking-api-token.
    Rule::token("defined-networking-token", &["dnkey-"], r"dnkey-[A-Za-z0-9=_-]{26}-[A-Za-z0-9=_-]{52}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("localstack-token", &["ls-"], r"ls-[A-Za-z0-9]{8}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{12}").checked(is_token_with_digits),
    // Source: Akamai, "EdgeGrid authentication", the file .edgerc.
    Rule::token("akamai-token", &["akab-"], r"akab-[a-z0-9]{16}-[a-z0-9]{16}"),
    // Source: gitleaks heroku-api-key-v2; trufflehog heroku.
    Rule::token("heroku-key", &["HRKU-"], r"HRKU-[A-Za-z0-9_-]{36,64}"),
    // Source: gitleaks flyio-access-token.
    Rule::token(
        "flyio-token",
        &["fo1_", "fm1_", "fm1a_", "fm1r_", "fm2_"],
        r"(?:fo1_[\w-]{43}|fm[12][ar]?_[A-Za-z0-9+/]{80,}={0,3})",
    ),
    // Source: gitleaks planetscale-api-token, planetscale-oauth-token; kingfisher planetscale;
    // trufflehog planetscale.
    Rule::token(
        "planetscale-token",
        &["pscale_"],
        r"pscale_(?:tkn|oauth|pw)_[A-Za-z0-9=._-]{32,64}",
    ),
    // Source: gitleaks databricks-api-token; kingfisher databricks; trufflehog databrickstoken.
    Rule::token("databricks-token", &["dapi"], r"dapi[a-f0-9]{32}(?:-\d)?\b")
        .checked(is_token_with_digits),
    // Source: Doppler, "Auth token formats"; gitleaks doppler-api-token.
    Rule::token(
        "doppler-token",
        &["dp.pt.", "dp.st.", "dp.sa.", "dp.ct.", "dp.scim.", "dp.audit."],
        r"dp\.(?:pt|st|sa|ct|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",
    ),
    // Source: HashiCorp Vault, "Tokens", prefixes since 1.10; gitleaks vault-service-token,
    // vault-batch-token.
    Rule::token("vault-token", &["hvs.", "hvb.", "hvr."], r"hv[sbr]\.[A-Za-z0-9_-]{24,}"),
    // Source: kingfisher terraformcloud; trufflehog terraformcloudpersonaltoken.
    Rule::token("terraform-token", &[".atlasv1."], r"\.atlasv1\.[A-Za-z0-9_=-]{60,70}"),
    // Source: kingfisher azuredevops; trufflehog azurecontainerregistry; Microsoft, "Common
    // Annotated Security Keys".
    Rule::found("azure-key", &["AZDO", "AzFu", "ACRC", "+ACR", "AzSe", "AzCa", "AIoT", "APIM", "ACDb", "+ASt", "+ABa", "+AMC", "AzEG", "+AEh", "+ARm", "+ASb", "JQQJ99", "ACAAAA"], Find::Scan(places::find_azure_key))
        .checked(is_token_with_digits),
    // Source: gitleaks pulumi-api-token; kingfisher pulumi; trufflehog pulumi.
    Rule::token("pulumi-token", &["pul-"], r"pul-[a-f0-9]{40}\b"),
    // Source: Supabase, "Understanding API keys"; betterleaks supabase-project-api-key,
    // supabase-management-token.
    Rule::token(
        "supabase-key",
        &["sb_secret_", "sbp_"],
        r"sb(?:_secret_[A-Za-z0-9_-]{30,}|p_(?:v0_)?[a-z0-9]{40})",
    ),
    // Source: kingfisher mongodb; betterleaks mongodb-atlas-service-account-secret.
    Rule::token("mongodb-service-key", &["mdb_sa_sk_"], r"mdb_sa_sk_[A-Za-z0-9_-]{40}"),
    // Source: gitleaks clickhouse-cloud-api-secret-key.
    Rule::token("clickhouse-cloud-key", &["4b1d"], r"4b1d[A-Za-z0-9]{38}\b")
        .checked(is_token_with_digits),
    // Source: gitleaks openshift-user-token.
    Rule::token("openshift-token", &["sha256~"], r"sha256~[A-Za-z0-9_-]{43}"),
    // Source: gitleaks age-secret-key; kingfisher age.
    Rule::token(
        "age-key",
        &["AGE-SECRET-KEY-1"],
        r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    )
    .summed(checksums::holds_bech32),
    // Vercel's prefixed tokens.
    // Source: betterleaks vercel-ai-gateway-key, vercel-app-access-token.
    Rule::token(
        "vercel-token",
        &["vcp_", "vck_", "vci_", "vca_", "vcr_"],
        r"vc[pkiar]_[A-Za-z0-9]{24,64}",
    ),
    // Source: trufflehog netlify.
    Rule::token("netlify-token", &["nfp_"], r"nfp_[A-Za-z0-9]{36,40}"),
    // Source: gitleaks cloudflare-origin-ca-key; kingfisher cloudflare.
    Rule::token("cloudflare-origin-key", &["v1.0-"], r"v1\.0-[a-f0-9]{24}-[a-f0-9]{140,150}"),
];
