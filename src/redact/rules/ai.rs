//! Providers of language models and their tools.

use crate::redact::checks::is_token_with_digits;
use crate::redact::rules::Rule;

/// Rules for providers of language models.
pub(super) const RULES: &[Rule] = &[
    // Anthropic: API and admin keys; OAuth access and refresh tokens of Claude Code.
    // Source: gitleaks anthropic-admin-api-key, anthropic-api-key; kingfisher anthropic;
    // trufflehog anthropic.
    Rule::token("anthropic-key", &["sk-ant-"], r"sk-ant-[a-z]{2,8}\d{2}-[A-Za-z0-9_-]{24,}"),
    // Source: betterleaks openrouter-api-key; trufflehog openrouter.
    Rule::token("openrouter-key", &["sk-or-v1-"], r"sk-or-v1-[a-f0-9]{40,64}"),
    // OpenAI: newer keys name their kind; older ones have `OpenAI` in base64 in the middle.
    // Source: trufflehog openai, openaiadmin; gitleaks openai-api-key.
    Rule::token(
        "openai-key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"],
        r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}",
    ),
    // Source: kingfisher openai; gitleaks openai-api-key.
    Rule::token("openai-key", &["sk-"], r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    // Other providers with the same prefix (DeepSeek, Moonshot and gateways).
    // Source: kingfisher openai; others as issued.
    Rule::token("sk-key", &["sk-"], r"sk-(?:lf-)?[A-Za-z0-9_-]{24,}").checked(is_token_with_digits),
    // Source: gitleaks huggingface-access-token, huggingface-organization-api-token; kingfisher
    // huggingface; trufflehog huggingface.
    Rule::token(
        "huggingface-token",
        &["hf_", "api_org_"],
        r"(?:hf_[A-Za-z]{34}|hf_[A-Za-z0-9]{34,40}|api_org_[A-Za-z0-9]{34})\b",
    ),
    // Source: kingfisher groq; betterleaks groq-api-key; trufflehog groq.
    Rule::token("groq-key", &["gsk_"], r"gsk_[A-Za-z0-9]{48,56}"),
    // Source: kingfisher xai; betterleaks xai-api-key; trufflehog xai.
    Rule::token("xai-key", &["xai-"], r"xai-[A-Za-z0-9_-]{70,}"),
    // Source: kingfisher replicate; betterleaks replicate-api-token; trufflehog replicate.
    Rule::token("replicate-token", &["r8_"], r"r8_[A-Za-z0-9]{37,40}"),
    // Source: gitleaks perplexity-api-key.
    Rule::token("perplexity-key", &["pplx-"], r"pplx-[A-Za-z0-9]{40,56}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("fireworks-key", &["fw_"], r"fw_[A-Za-z0-9]{22,40}\b")
        .checked(is_token_with_digits),
    // Source: betterleaks langchain-langsmith-service-key; trufflehog langsmith.
    Rule::token(
        "langsmith-key",
        &["lsv2_", "ls__"],
        r"(?:lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}|ls__[a-f0-9]{32})",
    ),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("tavily-key", &["tvly-"], r"tvly-[A-Za-z0-9-]{20,}").checked(is_token_with_digits),
    // Source: betterleaks cerebras-api-key.
    Rule::token("cerebras-key", &["csk-"], r"csk-[a-z0-9]{40,}").checked(is_token_with_digits),
    // Source: kingfisher nvapi; trufflehog nvapi.
    Rule::token("nvidia-key", &["nvapi-"], r"nvapi-[A-Za-z0-9_-]{60,}"),
    // Source: kingfisher elevenlabs.
    Rule::token("elevenlabs-key", &["sk_"], r"sk_[a-f0-9]{48}\b"),
    // Source: betterleaks pinecone-api-key; trufflehog pinecone.
    Rule::token("pinecone-key", &["pcsk_"], r"pcsk_[A-Za-z0-9_]{50,}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("jina-key", &["jina_"], r"jina_[A-Za-z0-9_-]{40,}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("voyage-key", &["pa-"], r"pa-[A-Za-z0-9_-]{43}\b").checked(is_token_with_digits),
    // Source: Firecrawl, API reference, "Authentication": `Bearer fc-…`.
    Rule::token("firecrawl-key", &["fc-"], r"fc-[a-f0-9]{32}\b"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("helicone-key", &["sk-helicone-"], r"sk-helicone-[a-z0-9-]{30,}"),
    // Source: betterleaks cursor-api-key.
    Rule::token("cursor-key", &["key_"], r"key_[a-f0-9]{64}\b"),
    // Source: betterleaks weights-and-biases-api-key-v1.
    Rule::token("wandb-key", &["wandb_v1_"], r"wandb_v1_[A-Za-z0-9_]{40,}"),
    // Source: betterleaks togetherai-api-key.
    Rule::token("together-key", &["tgp_v1_"], r"tgp_v1_[A-Za-z0-9_-]{40,}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("cursor-key", &["crsr_"], r"crsr_[a-f0-9]{60,}"),
    // Source: Anyscale, "Endpoints": keys begin with `esecret_`.
    Rule::token("anyscale-key", &["esecret_"], r"esecret_[A-Za-z0-9]{20,}")
        .checked(is_token_with_digits),
    // Source: betterleaks llama-cloud-api-key.
    Rule::token("llamacloud-key", &["llx-"], r"llx-[A-Za-z0-9]{40,60}"),
    // Source: kingfisher apify; betterleaks apify-api-token.
    Rule::token("apify-token", &["apify_api_"], r"apify_api_[A-Za-z0-9]{30,40}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token(
        "browserbase-key",
        &["bb_live_", "bb_test_"],
        r"bb_(?:live|test)_[A-Za-z0-9_-]{20,}",
    ),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("modal-key", &["ak-", "as-"], r"a[ks]-[A-Za-z0-9]{22}\b")
        .checked(is_token_with_digits),
    // Source: betterleaks runpod-api-key.
    Rule::token("runpod-key", &["rpa_"], r"rpa_[A-Z0-9]{40,50}\b"),
    // Source: betterleaks mem0-api-key.
    Rule::token("mem0-key", &["m0-"], r"m0-[A-Za-z0-9]{40}\b").checked(is_token_with_digits),
    // Source: betterleaks brave-search-api-key.
    Rule::token("brave-key", &["BSA"], r"BSA[A-Za-z0-9_-]{28}\b").checked(is_token_with_digits),
    // Source: Context7, README: keys begin with `ctx7sk`.
    Rule::token("context7-key", &["ctx7sk-"], r"ctx7sk-[0-9a-f]{8}-[0-9a-f-]{27}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("amp-key", &["sgamp_"], r"sgamp_(?:user_)?[A-Za-z0-9_]{30,}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("factory-key", &["fk-"], r"fk-[A-Za-z0-9_-]{30,}").checked(is_token_with_digits),
    // Source: betterleaks cartesia-api-key.
    Rule::token("cartesia-key", &["sk_car_"], r"sk_car_[A-Za-z0-9]{20,}"),
    // Source: as services issue keys in the manner of Stripe's; no public page that we know
    // describes them all.
    Rule::token("sk-key", &["sk_"], r"sk_[a-z0-9]{32,64}\b").checked(is_token_with_digits),
    // Source: as GitHub Copilot's clients get them; no public page that we know describes the
    // shape.
    Rule::token("copilot-token", &["tid="], r"tid=[0-9a-f]{20,};exp=\d+;[^\s\x22']{20,}"),
    // Source: Trigger.dev, "API keys", `tr_dev_…`.
    Rule::token(
        "trigger-key",
        &["tr_dev_", "tr_prod_", "tr_stg_"],
        r"tr_(?:dev|prod|stg)_[A-Za-z0-9]{16,}",
    ),
    // Source: Inngest, API docs, "Authentication": signing keys begin with `signkey-`.
    Rule::token("inngest-key", &["signkey-"], r"signkey-(?:prod|test|branch)-[a-f0-9]{32,}"),
    // Source: E2B, "API key": `e2b_…`.
    Rule::token("e2b-key", &["e2b_"], r"e2b_[a-f0-9]{40}\b"),
];
