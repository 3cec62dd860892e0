//! Providers of language models and their tools.

use crate::redact::checks::is_token_with_digits;
use crate::redact::rules::Rule;

/// Rules for providers of language models.
pub(super) const RULES: &[Rule] = &[
    // Anthropic: API and admin keys; OAuth access and refresh tokens of Claude Code.
    Rule::token("anthropic-key", &["sk-ant-"], r"sk-ant-[a-z]{2,8}\d{2}-[A-Za-z0-9_-]{24,}"),
    Rule::token("openrouter-key", &["sk-or-v1-"], r"sk-or-v1-[a-f0-9]{40,64}"),
    // OpenAI: newer keys name their kind; older ones have `OpenAI` in base64 in the middle.
    Rule::token(
        "openai-key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"],
        r"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}",
    ),
    Rule::token("openai-key", &["sk-"], r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    // Other providers with the same prefix (DeepSeek, Moonshot and gateways).
    Rule::token("sk-key", &["sk-"], r"sk-(?:lf-)?[A-Za-z0-9_-]{24,}").checked(is_token_with_digits),
    Rule::token(
        "huggingface-token",
        &["hf_", "api_org_"],
        r"(?:hf_[A-Za-z]{34}|hf_[A-Za-z0-9]{34,40}|api_org_[A-Za-z0-9]{34})\b",
    ),
    Rule::token("groq-key", &["gsk_"], r"gsk_[A-Za-z0-9]{48,56}"),
    Rule::token("xai-key", &["xai-"], r"xai-[A-Za-z0-9_-]{70,}"),
    Rule::token("replicate-token", &["r8_"], r"r8_[A-Za-z0-9]{37,40}"),
    Rule::token("perplexity-key", &["pplx-"], r"pplx-[A-Za-z0-9]{40,56}"),
    Rule::token("fireworks-key", &["fw_"], r"fw_[A-Za-z0-9]{22,40}\b")
        .checked(is_token_with_digits),
    Rule::token(
        "langsmith-key",
        &["lsv2_", "ls__"],
        r"(?:lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}|ls__[a-f0-9]{32})",
    ),
    Rule::token("tavily-key", &["tvly-"], r"tvly-[A-Za-z0-9-]{20,}").checked(is_token_with_digits),
    Rule::token("cerebras-key", &["csk-"], r"csk-[a-z0-9]{40,}").checked(is_token_with_digits),
    Rule::token("nvidia-key", &["nvapi-"], r"nvapi-[A-Za-z0-9_-]{60,}"),
    Rule::token("elevenlabs-key", &["sk_"], r"sk_[a-f0-9]{48}\b"),
    Rule::token("pinecone-key", &["pcsk_"], r"pcsk_[A-Za-z0-9_]{50,}"),
    Rule::token("jina-key", &["jina_"], r"jina_[A-Za-z0-9_-]{40,}"),
    Rule::token("voyage-key", &["pa-"], r"pa-[A-Za-z0-9_-]{43}\b").checked(is_token_with_digits),
    Rule::token("firecrawl-key", &["fc-"], r"fc-[a-f0-9]{32}\b"),
    Rule::token("helicone-key", &["sk-helicone-"], r"sk-helicone-[a-z0-9-]{30,}"),
    Rule::token("cursor-key", &["key_"], r"key_[a-f0-9]{64}\b"),
    Rule::token("wandb-key", &["wandb_v1_"], r"wandb_v1_[A-Za-z0-9_]{40,}"),
    Rule::token("together-key", &["tgp_v1_"], r"tgp_v1_[A-Za-z0-9_-]{40,}"),
    Rule::token("cursor-key", &["crsr_"], r"crsr_[a-f0-9]{60,}"),
    Rule::token("anyscale-key", &["esecret_"], r"esecret_[A-Za-z0-9]{20,}")
        .checked(is_token_with_digits),
    Rule::token("llamacloud-key", &["llx-"], r"llx-[A-Za-z0-9]{40,60}"),
    Rule::token("apify-token", &["apify_api_"], r"apify_api_[A-Za-z0-9]{30,40}"),
    Rule::token(
        "browserbase-key",
        &["bb_live_", "bb_test_"],
        r"bb_(?:live|test)_[A-Za-z0-9_-]{20,}",
    ),
    Rule::token("modal-key", &["ak-", "as-"], r"a[ks]-[A-Za-z0-9]{22}\b")
        .checked(is_token_with_digits),
    Rule::token("runpod-key", &["rpa_"], r"rpa_[A-Z0-9]{40,50}\b"),
    Rule::token("mem0-key", &["m0-"], r"m0-[A-Za-z0-9]{40}\b").checked(is_token_with_digits),
    Rule::token("brave-key", &["BSA"], r"BSA[A-Za-z0-9_-]{28}\b").checked(is_token_with_digits),
    Rule::token("context7-key", &["ctx7sk-"], r"ctx7sk-[0-9a-f]{8}-[0-9a-f-]{27}"),
    Rule::token("amp-key", &["sgamp_"], r"sgamp_(?:user_)?[A-Za-z0-9_]{30,}"),
    Rule::token("factory-key", &["fk-"], r"fk-[A-Za-z0-9_-]{30,}").checked(is_token_with_digits),
    Rule::token("cartesia-key", &["sk_car_"], r"sk_car_[A-Za-z0-9]{20,}"),
    Rule::token("sk-key", &["sk_"], r"sk_[a-z0-9]{32,64}\b").checked(is_token_with_digits),
    Rule::token("copilot-token", &["tid="], r"tid=[0-9a-f]{20,};exp=\d+;[^\s\x22']{20,}"),
    Rule::token(
        "trigger-key",
        &["tr_dev_", "tr_prod_", "tr_stg_"],
        r"tr_(?:dev|prod|stg)_[A-Za-z0-9]{16,}",
    ),
    Rule::token("inngest-key", &["signkey-"], r"signkey-(?:prod|test|branch)-[a-f0-9]{32,}"),
    Rule::token("e2b-key", &["e2b_"], r"e2b_[a-f0-9]{40}\b"),
];
