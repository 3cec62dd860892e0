//! Other services: chat, mail, payment, monitoring, design, commerce.

use crate::redact::checks::is_token_with_digits;
use crate::redact::rules::Rule;

/// Rules for other services.
pub(super) const RULES: &[Rule] = &[
    // Slack documentation, "token types"; incoming webhooks.
    Rule::token(
        "slack-token",
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxe.", "xoxc-", "xoxd-", "xapp-"],
        r"(?:xox[abcdeoprs](?:\.xox[bp])?-[A-Za-z0-9%/+=-]{20,}|xapp-\d-[A-Za-z0-9-]{30,})",
    )
    .checked(is_token_with_digits),
    Rule::phrase("slack-webhook", &["hooks.slack.com/"], r"(?i)hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_-]{30,})"),
    Rule::phrase("discord-webhook", &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"], r"(?i)discord(?:app)?\.com/api/webhooks/(\d{15,22}/[A-Za-z0-9_-]{50,})"),
    Rule::token("discord-token", &["mfa."], r"mfa\.[A-Za-z0-9_-]{80,}"),
    Rule::phrase("teams-webhook", &["webhook.office.com/"], r"(?i)webhook\.office\.com/(webhookb2/[A-Za-z0-9@/_-]{80,})"),
    Rule::phrase("telegram-token", &["api.telegram.org/bot"], r"(?i)api\.telegram\.org/bot(\d{6,12}:[A-Za-z0-9_-]{35})"),
    // Telegram: number of the bot, then `AA` and 33 characters.
    Rule::token("telegram-token", &[":AA"], r":(AA[A-Za-z0-9_-]{33})\b").checked(is_token_with_digits),
    // Stripe documentation, "API keys".
    Rule::token("stripe-key", &["sk_live_", "sk_test_", "rk_live_", "rk_test_"], r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,250}"),
    Rule::token("stripe-webhook-secret", &["whsec_"], r"whsec_[A-Za-z0-9+/=]{24,}"),
    Rule::token("square-token", &["sq0atp-", "sq0csp-", "EAAA"], r"(?:sq0(?:atp|csp)-[A-Za-z0-9_-]{22,43}|EAAA[A-Za-z0-9_-]{60})"),
    Rule::token("razorpay-key", &["rzp_live_", "rzp_test_"], r"rzp_(?:live|test)_[A-Za-z0-9]{14,}"),
    Rule::token("braintree-token", &["access_token$"], r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}"),
    // Twilio: API key ids, which stand for the pair.
    Rule::token("twilio-key", &["SK"], r"SK[a-f0-9]{32}\b"),
    Rule::token("sendgrid-key", &["SG."], r"SG\.[A-Za-z0-9_-]{16,24}\.[A-Za-z0-9_-]{39,50}"),
    Rule::token("mailgun-key", &["key-"], r"key-[a-f0-9]{32}\b"),
    Rule::token("brevo-key", &["xkeysib-", "xsmtpsib-"], r"x(?:keysib|smtpsib)-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    Rule::token("resend-key", &["re_"], r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,32}\b").checked(is_token_with_digits),
    Rule::token("postman-key", &["PMAK-"], r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    // Monitoring.
    Rule::token("grafana-token", &["glsa_", "glc_", "eyJrIjoi"], r"(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2}|eyJrIjoi[A-Za-z0-9+/]{60,}={0,2})"),
    Rule::token("newrelic-key", &["NRAK-", "NRII-", "NRJS-", "NRRA-", "NRBR-"], r"NR(?:AK|II|JS|RA|BR)-[A-Za-z0-9]{19,42}"),
    Rule::token("sentry-token", &["sntrys_", "sntryu_", "sntryi_"], r"(?:sntrys_[A-Za-z0-9+/=_-]{60,}|sntry[ui]_[a-f0-9]{64})"),
    Rule::token("dynatrace-token", &["dt0c01.", "dt0s01.", "dt0s16."], r"dt0[a-z]\d\d\.[A-Za-z0-9]{8,24}\.[A-Za-z0-9]{60,64}"),
    Rule::token("posthog-key", &["phx_", "phs_"], r"ph[xs]_[A-Za-z0-9]{40,}"),
    Rule::token("logfire-token", &["pylf_v1_"], r"pylf_v1_[a-z]{2}_[A-Za-z0-9]{40,}"),
    Rule::token("launchdarkly-key", &["sdk-", "api-", "mob-"], r"(?:sdk|api|mob)-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}\b"),
    // Work and design.
    Rule::token("figma-token", &["figd_", "figu_", "figo_"], r"fig[duo]_[A-Za-z0-9_-]{36,}"),
    Rule::token("notion-token", &["ntn_", "secret_"], r"(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})\b").checked(is_token_with_digits),
    Rule::token("linear-key", &["lin_api_", "lin_oauth_"], r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    Rule::token("airtable-token", &["pat"], r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    Rule::token("asana-token", &["1/", "2/"], r"[12]/\d{12,20}(?:/\d{12,20})?:[a-f0-9]{32}"),
    Rule::token("clickup-token", &["pk_"], r"pk_\d{6,10}_[A-Z0-9]{32}\b"),
    Rule::token("contentful-token", &["CFPAT-"], r"CFPAT-[A-Za-z0-9_-]{43,}"),
    Rule::token("typeform-token", &["tfp_"], r"tfp_[A-Za-z0-9_.=-]{40,}"),
    Rule::token("readme-key", &["rdme_"], r"rdme_[a-z0-9]{70}"),
    Rule::token("1password-token", &["ops_eyJ"], r"ops_eyJ[A-Za-z0-9+/_-]{100,}={0,3}"),
    Rule::token("1password-secret-key", &["A3-"], r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})-[A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{5}\b").checked(is_token_with_digits),
    Rule::token("mapbox-token", &["sk.eyJ", "pk.", "tk.eyJ"], r"(?:[st]k\.eyJ[A-Za-z0-9_-]{20,}|pk\.[A-Za-z0-9]{60,})\.[A-Za-z0-9_-]{22,}"),
    Rule::token("duffel-token", &["duffel_"], r"duffel_(?:live|test)_[A-Za-z0-9_=-]{43}"),
    // Commerce and social.
    Rule::token("shopify-token", &["shpat_", "shpca_", "shppa_", "shpss_", "shpua_"], r"shp(?:at|ca|pa|ss|ua)_[A-Fa-f0-9]{32}"),
    Rule::token("facebook-token", &["EAA"], r"EAA[A-Za-z0-9]{90,}"),
    Rule::token("salesforce-token", &["00D"], r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9._-]{80,}"),
    Rule::token("hubspot-token", &["pat-na", "pat-eu"], r"pat-(?:na|eu)\d-[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"),
    Rule::token("tailscale-key", &["tskey-"], r"tskey-[a-z]+-[A-Za-z0-9]{8,}-[A-Za-z0-9]{20,}"),
    Rule::token("ngrok-key", &["ak_", "cr_"], r"(?:ak|cr)_[A-Za-z0-9]{27}\b").checked(is_token_with_digits),
    Rule::token("cloudinary-url", &["cloudinary://"], r"cloudinary://\d+:([A-Za-z0-9_-]{20,})@"),
    Rule::phrase("totp-secret", &["otpauth://"], r"(?i)otpauth://[^\s\x22'<>]{0,300}?[?&]secret=([A-Z2-7]{16,})"),
];
