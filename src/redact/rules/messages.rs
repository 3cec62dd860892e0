//! Chat, mail, telephony, webhooks.

use crate::redact::checks::is_token_with_digits;
use crate::redact::places;
use crate::redact::rules::Find;
use crate::redact::rules::Rule;

/// Rules for services that carry messages.
pub(super) const RULES: &[Rule] = &[
    // Source: Slack, "Token types"; gitleaks slack-app-token, slack-bot-token; kingfisher slack.
    Rule::token(
        "slack-token",
        &[
            "xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-", "xoxo-", "xoxe-", "xoxe.", "xoxc-",
            "xoxd-", "xapp-",
        ],
        r"(?:xox[abcdeoprs](?:\.xox[bp])?-[A-Za-z0-9%/+=-]{20,}|xapp-\d-[A-Za-z0-9-]{20,})",
    )
    .checked(is_token_with_digits),
    // Source: gitleaks slack-webhook-url; kingfisher slack; trufflehog slackwebhook.
    Rule::phrase(
        "slack-webhook",
        &["hooks.slack.com/"],
        r"(?i)hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_-]{30,})",
    ),
    // Source: Discord, "Webhook resource"; kingfisher discord.
    Rule::phrase(
        "discord-webhook",
        &["discord.com/api/webhooks/", "discordapp.com/api/webhooks/"],
        r"(?i)discord(?:app)?\.com/api/webhooks/(\d{15,22}/[A-Za-z0-9_-]{50,})",
    ),
    // Source: as Discord issues tokens for users with two factors; detect-secrets discord.
    Rule::token("discord-token", &["mfa."], r"mfa\.[A-Za-z0-9_-]{80,}"),
    // Discord: bot tokens are the id of the bot, a number, in base64, a time and a signature.
    // Source: Discord, "Reference", authentication; detect-secrets discord; gitleaks
    // discord-api-token.
    Rule::found("discord-token", &[], Find::Sweep(places::find_discord_tokens))
        .checked(is_token_with_digits),
    // Source: gitleaks microsoft-teams-webhook; kingfisher microsoftteamswebhook.
    Rule::phrase(
        "teams-webhook",
        &["webhook.office.com/"],
        r"(?i)webhook\.office\.com/(webhookb2/[A-Za-z0-9@/_-]{80,})",
    ),
    // Source: kingfisher telegrambottoken; trufflehog telegrambottoken.
    Rule::phrase(
        "telegram-token",
        &["api.telegram.org/bot"],
        r"(?i)api\.telegram\.org/bot(\d{6,12}:[A-Za-z0-9_-]{35})",
    ),
    // Telegram: number of the bot, then `AA` and 33 characters.
    // Source: Telegram, "Bot API", authorizing your bot; detect-secrets telegram_token.
    Rule::token("telegram-token", &[":AA"], r":(AA[A-Za-z0-9_-]{33})\b")
        .checked(is_token_with_digits),
    // Twilio: API key ids, which stand for the pair.
    // Source: Twilio, "API keys": the SID begins with SK; gitleaks twilio-api-key.
    Rule::token("twilio-key", &["SK"], r"SK[a-f0-9]{32}\b"),
    // Source: gitleaks sendgrid-api-token; kingfisher sendgrid; trufflehog sendgrid.
    Rule::token("sendgrid-key", &["SG."], r"SG\.[A-Za-z0-9_-]{16,24}\.[A-Za-z0-9_-]{39,50}"),
    // Source: kingfisher mailgun; gitleaks mailgun-private-api-token.
    Rule::token("mailgun-key", &["key-"], r"key-[a-f0-9]{32}\b"),
    // Source: gitleaks sendinblue-api-token; kingfisher sendinblue.
    Rule::token(
        "brevo-key",
        &["xkeysib-", "xsmtpsib-"],
        r"x(?:keysib|smtpsib)-[a-f0-9]{64}-[A-Za-z0-9]{16}",
    ),
    // Source: Resend, API reference, "Authentication": `Bearer re_…`.
    Rule::token("resend-key", &["re_"], r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,32}\b")
        .checked(is_token_with_digits),
    // Older webhooks of Teams and Office.
    // Source: kingfisher microsoft_teams.
    Rule::phrase(
        "teams-webhook",
        &["outlook.office.com/webhook/"],
        r"(?i)outlook\.office\.com/(webhook/[A-Za-z0-9@/_-]{60,})",
    ),
    // Source: Microsoft, "Create incoming webhooks with Workflows"; Azure Logic Apps, callback
    // URLs with `sig`.
    Rule::phrase(
        "teams-webhook",
        &["logic.azure.com"],
        r"(?i)logic\.azure\.com[^\s\x22'<>]{0,300}[?&]sig=([A-Za-z0-9%_-]{40,50})",
    ),
    // Source: Google Chat, "Build an app as a webhook".
    Rule::phrase(
        "google-chat-webhook",
        &["chat.googleapis.com/"],
        r"(?i)chat\.googleapis\.com/v1/spaces/[^\s\x22'<>]{0,120}[?&]key=[^\s\x22'<>&]{30,60}&token=([A-Za-z0-9%_-]{30,60})",
    ),
    // Hooks whose address is their only protection.
    // Source: kingfisher zapierwebhook; trufflehog zapierwebhook.
    Rule::phrase(
        "zapier-webhook",
        &["hooks.zapier.com/"],
        r"(?i)hooks\.zapier\.com/hooks/catch/([A-Za-z0-9/]{12,40})",
    ),
    // Source: kingfisher tineswebhook; trufflehog tineswebhook.
    Rule::phrase(
        "tines-webhook",
        &[".tines.com/webhook/"],
        r"(?i)\.tines\.com/webhook/([A-Za-z0-9]{32}/[A-Za-z0-9]{32})",
    ),
    // Source: Make, "Webhooks": the address of a custom webhook.
    Rule::phrase(
        "make-webhook",
        &["hook.eu1.make.com/", "hook.eu2.make.com/", "hook.us1.make.com/", "hook.us2.make.com/"],
        r"(?i)hook\.[a-z0-9]{2,6}\.make\.com/([a-z0-9]{30,36})",
    ),
    // Source: IFTTT, "Webhooks FAQ": the address of a trigger.
    Rule::phrase(
        "ifttt-key",
        &["maker.ifttt.com/"],
        r"(?i)maker\.ifttt\.com/trigger/[^\s\x22'<>]{1,80}/with/key/([A-Za-z0-9_-]{20,60})",
    ),
    // Source: Telnyx, "API keys": version 2 keys begin with KEY.
    Rule::token("telnyx-key", &["KEY0"], r"KEY0[A-Z0-9]{31}_[A-Za-z0-9]{22}\b"),
    // Source: kingfisher intercom.
    Rule::token("intercom-token", &["dG9rO"], r"dG9rO[A-Za-z0-9+/=_-]{40,}"),
    // Source: kingfisher voiceflow; trufflehog voiceflow.
    Rule::token("voiceflow-key", &["VF."], r"VF\.(?:DM\.|WS\.)?[A-Fa-f0-9]{24}\.[A-Za-z0-9]{16}"),
    // Source: gitleaks beamer-api-token.
    Rule::token("beamer-key", &["b_"], r"b_[A-Za-z0-9_=/+-]{44}").checked(is_token_with_digits),
    // Source: kingfisher teamworkdesk, teamworkspaces, teamworkcrm.
    Rule::phrase("teamwork-token", &["tkn.v1_"], r"(?i)tkn\.v1_([A-Za-z0-9]{60,90}=?)"),
    // Push: FCM server keys.
    // Source: Firebase Cloud Messaging, legacy server keys; as issued.
    Rule::token("fcm-key", &["AAAA"], r"AAAA[A-Za-z0-9_-]{7}:APA91[A-Za-z0-9_-]{120,}"),
];
