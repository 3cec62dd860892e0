//! Work, design, social networks and tools.

use crate::redact::checks::is_random_behind_zeros;
use crate::redact::checks::is_token_with_digits;
use crate::redact::places;
use crate::redact::rules::Find;
use crate::redact::rules::Rule;

/// Rules for services to work with.
pub(super) const RULES: &[Rule] = &[
    // Source: gitleaks postman-api-token; kingfisher postman; trufflehog postman.
    Rule::token("postman-key", &["PMAK-"], r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    // Work and design.
    // Source: kingfisher figma; betterleaks figma-personal-access-token.
    Rule::token("figma-token", &["figd_", "figu_", "figo_", "figh_"], r"fig[duoh]_[A-Za-z0-9_-]{36,}"),
    // Source: gitleaks notion-api-token; Notion changelog, tokens begin with `ntn_`.
    Rule::token("notion-token", &["ntn_", "secret_"], r"(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})\b").checked(is_token_with_digits),
    // Source: gitleaks linear-api-key; kingfisher linear; trufflehog linearapi.
    Rule::token("linear-key", &["lin_api_", "lin_oauth_"], r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    // Source: trufflehog airtablepersonalaccesstoken.
    Rule::found("airtable-token", &[], Find::Sweep(places::find_airtable_tokens))
        .checked(is_token_with_digits),
    // Source: Asana, "Personal access token": version, user, hexadecimal; as issued.
    Rule::token("asana-token", &["1/", "2/"], r"[12]/\d{12,20}(?:/\d{12,20})?:[a-f0-9]{32}"),
    // Source: kingfisher clickup; betterleaks clickup-personal-api-token.
    Rule::token("clickup-token", &["pk_"], r"pk_\d{6,10}_[A-Z0-9]{32}\b"),
    // Source: kingfisher contentful; trufflehog contentfulpersonalaccesstoken.
    Rule::token("contentful-token", &["CFPAT-"], r"CFPAT-[A-Za-z0-9_-]{43,}"),
    // Source: gitleaks typeform-api-token.
    Rule::token("typeform-token", &["tfp_"], r"tfp_[A-Za-z0-9_.=-]{40,}"),
    // Source: gitleaks readme-api-token; kingfisher readme; trufflehog readme.
    Rule::token("readme-key", &["rdme_"], r"rdme_[a-z0-9]{70}"),
    // Source: gitleaks 1password-service-account-token.
    Rule::token("1password-token", &["ops_eyJ"], r"ops_eyJ[A-Za-z0-9+/_-]{100,}={0,3}"),
    // Source: gitleaks 1password-secret-key.
    Rule::token("1password-secret-key", &["A3-"], r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}\b").checked(is_token_with_digits),
    // Source: Mapbox, "Access tokens": pk, sk, tk; gitleaks mapbox-api-token.
    Rule::token("mapbox-token", &["sk.eyJ", "pk.", "tk.eyJ"], r"(?:[st]k\.eyJ[A-Za-z0-9_-]{20,}|pk\.[A-Za-z0-9]{60,})\.[A-Za-z0-9_-]{22,}"),
    // Source: gitleaks facebook-page-access-token; kingfisher facebook.
    Rule::token("facebook-token", &["EAA"], r"EAA[A-Za-z0-9]{30,}\b")
        .checked(is_token_with_digits),
    // Source: kingfisher salesforce.
    Rule::token("salesforce-token", &["00D"], r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._-]{80,}"),
    // Source: kingfisher hubspot; trufflehog hubspot_apikey.
    Rule::token("hubspot-token", &["pat-na", "pat-eu"], r"pat-(?:na|eu)\d-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"),
    // Source: kingfisher tailscale; betterleaks tailscale-api-key, tailscale-auth-key; trufflehog
    // tailscale.
    Rule::token("tailscale-key", &["tskey-"], r"tskey-[a-z]+-[A-Za-z0-9]{8,}-[A-Za-z0-9]{20,}"),
    // Source: kingfisher ngrok; ngrok, "API keys".
    Rule::token("ngrok-key", &["ak_", "cr_"], r"(?:ak|cr)_[A-Za-z0-9]{27}\b").checked(is_token_with_digits),
    // Source: Cloudinary, "CLOUDINARY_URL", environment variable.
    Rule::token("cloudinary-url", &["cloudinary://"], r"cloudinary://\d+:([A-Za-z0-9_-]{20,})@"),
    // Source: gitleaks facebook-access-token, facebook-secret.
    Rule::phrase("facebook-secret", &["facebook"], r"(?i)facebook[^\n]{0,32}?\b(\d{15,16}(?:\||%7C)[A-Za-z0-9_-]{27,40})").checked(is_token_with_digits),
    // Twitter: bearer tokens of applications.
    // Source: kingfisher twitter; gitleaks twitter-bearer-token.
    Rule::token("twitter-token", &["AAAAAAAAAAAAAAAAAAAAA"], r"A{20,22}[A-Za-z0-9%]{60,120}").checked(is_random_behind_zeros),
    // Source: gitleaks adobe-client-secret; kingfisher adobe.
    Rule::token("adobe-secret", &["p8e-", "p8-"], r"p8e?-[A-Za-z0-9-]{32}\b").checked(is_token_with_digits),
    // Source: kingfisher adafruitio; trufflehog adafruitio.
    Rule::token("adafruit-key", &["aio_"], r"aio_[A-Za-z0-9]{28}\b").checked(is_token_with_digits),
    // Source: gitleaks frameio-api-token; kingfisher frame.io, frameio; trufflehog frameio.
    Rule::token("frameio-token", &["fio-u-"], r"fio-u-[A-Za-z0-9_=-]{64}"),
    // Source: gitleaks intra42-client-secret; trufflehog intra42.
    Rule::token("intra42-secret", &["s-s4t2ud-", "s-s4t2af-"], r"s-s4t2(?:ud|af)-[a-f0-9]{64}"),
    // Source: gitleaks settlemint-application-access-token, settlemint-personal-access-token.
    Rule::token("settlemint-token", &["sm_pat_", "sm_aat_", "sm_sat_"], r"sm_(?:pat|aat|sat)_[A-Za-z0-9]{16}\b"),
    // Source: betterleaks canva-client-secret.
    Rule::token("canva-secret", &["cnvca"], r"cnvca[A-Za-z0-9_-]{40,}"),
    // Source: betterleaks pinterest-access-token.
    Rule::token("pinterest-token", &["pina_"], r"pina_[A-Za-z0-9_]{30,}"),
    // Source: kingfisher zohocrm; betterleaks zoho-oauth-token.
    Rule::token("zoho-token", &["1000."], r"1000\.[a-f0-9]{32}\.[a-f0-9]{32}"),
    // Source: kingfisher ubidots; trufflehog ubidots.
    Rule::token("ubidots-token", &["BBFF-", "BBUS-"], r"BB(?:FF|US)-[A-Za-z0-9]{30,36}").checked(is_token_with_digits),
    // Source: kingfisher pubnub; PubNub, "API keys": sec-c.
    Rule::token("pubnub-key", &["pub-c-", "sub-c-", "sec-c-"], r"(?:(?:pub|sub)-c-[A-Za-z0-9]{8}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{4}-[A-Za-z0-9]{12}|sec-c-[A-Za-z0-9+/=_-]{32,64})").checked(is_token_with_digits),
    // Source: kingfisher dfuse.
    Rule::token("dfuse-key", &["web_", "server_", "mobile_"], r"(?:web|server|mobile)_[a-f0-9]{32}\b"),
    // Source: Riot Games, developer portal, "API keys": RGAPI and a UUID.
    Rule::token("riot-key", &["RGAPI-"], r"RGAPI-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"),
    // Source: gitleaks maxmind-license-key; kingfisher maxmindlicense_v2; trufflehog
    // maxmindlicense.
    Rule::found("maxmind-key", &["_mmk"], Find::Scan(places::find_maxmind_key)).checked(is_token_with_digits),
    // Source: gitleaks dropbox-short-lived-api-token; kingfisher dropbox.
    Rule::token("dropbox-token", &["sl."], r"sl\.(?:u\.)?[A-Za-z0-9_-]{120,1500}"),
    // Source: betterleaks wakatime-api-key.
    Rule::token("wakatime-key", &["waka_"], r"waka_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    // Source: monday.com, "Authentication": JSON Web Tokens that begin with `{"tid":`; as issued.
    Rule::token("monday-token", &["eyJhbGciOiJIUzI1NiJ9.eyJ0aWQiOj"], r"eyJhbGciOiJIUzI1NiJ9\.eyJ0aWQiOj[A-Za-z0-9_-]{60,}\.[A-Za-z0-9_-]{40,}"),
    // Source: gitleaks harness-api-key; trufflehog harness.
    Rule::token("harness-key", &["pat.", "sat."], r"[ps]at\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}"),
    // Source: gitleaks authress-service-client-access-key.
    Rule::token("authress-key", &["sc_", "ext_", "scauth_", "authress_"], r"(?:sc|ext|scauth|authress)_[A-Za-z0-9_]{5,30}\.[A-Za-z0-9]{4,6}\.acc[_-][A-Za-z0-9-]{10,32}\.[A-Za-z0-9+/_=-]{30,120}"),
    // Source: betterleaks zuplo-consumer-api-key.
    Rule::token("zuplo-key", &["zpka_"], r"zpka_[A-Za-z0-9]{32}_[a-f0-9]{8}"),
    // Source: betterleaks onfido-live-api-token-eu.
    Rule::token("onfido-token", &["api_live.", "api_sandbox."], r"api_(?:live|sandbox)(?:_[a-z]{2})?\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"),
    // Source: kingfisher calendlyapikey: JSON Web Tokens with Calendly's key id.
    Rule::token("calendly-token", &["eyJraWQiOiIxY2UxZTEz"], r"eyJraWQiOiIxY2UxZTEz[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{40,}\.[A-Za-z0-9_-]{40,}"),
    // Source: kingfisher okta; Okta, "API tokens": the scheme SSWS.
    Rule::token("okta-token", &["SSWS "], r"SSWS +(00[A-Za-z0-9_-]{40})"),
    // Source: kingfisher thingsboard.
    Rule::phrase("thingsboard-token", &["thingsboard.cloud/api/v1/"], r"(?i)thingsboard\.cloud/api/v1/([a-z0-9]{20})\b"),
];
