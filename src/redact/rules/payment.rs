//! Payment, shipping and shops.

use crate::redact::checks::is_token_with_digits;
use crate::redact::rules::Rule;

/// Rules for services that handle money and goods.
pub(super) const RULES: &[Rule] = &[
    // Source: Stripe, "API keys"; gitleaks stripe-access-token.
    Rule::token(
        "stripe-key",
        &["sk_live_", "sk_test_", "rk_live_", "rk_test_", "sk_prod_", "rk_prod_"],
        r"[sr]k_(?:live|test|prod)_[A-Za-z0-9]{16,250}",
    ),
    // Source: Stripe, "Webhooks": `whsec_…`; Standard Webhooks, specification.
    Rule::token("stripe-webhook-secret", &["whsec_"], r"whsec_[A-Za-z0-9+/=]{24,}"),
    // Source: gitleaks square-access-token; kingfisher square, squareup; trufflehog square.
    Rule::token(
        "square-token",
        &["sq0atp-", "sq0csp-", "sq0idp-", "EAAA"],
        r"(?:sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{22,43}|EAAA[A-Za-z0-9_+=-]{60})",
    ),
    // Source: betterleaks razorpay-key-id; trufflehog razorpay.
    Rule::token("razorpay-key", &["rzp_live_", "rzp_test_"], r"rzp_(?:live|test)_[A-Za-z0-9]{14,}"),
    // Source: Braintree, "OAuth: access tokens"; as issued.
    Rule::token(
        "braintree-token",
        &["access_token$"],
        r"access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}",
    ),
    // Commerce and social.
    // Source: gitleaks shopify-access-token, shopify-custom-access-token; kingfisher shopify;
    // trufflehog shopify.
    Rule::token(
        "shopify-token",
        &["shpat_", "shpca_", "shppa_", "shpss_", "shpua_"],
        r"shp(?:at|ca|pa|ss|ua)_[A-Fa-f0-9]{32}",
    ),
    // Source: gitleaks duffel-api-token; trufflehog duffeltoken.
    Rule::token("duffel-token", &["duffel_"], r"duffel_(?:live|test)_[A-Za-z0-9_=-]{43}"),
    // Other services with keys in the manner of Stripe's.
    // Source: kingfisher pagarme, column; trufflehog stripepaymentintent; Paystack and others as
    // issued.
    Rule::token(
        "payment-key",
        &[
            "pk_live_",
            "pk_prod_",
            "ak_live_",
            "ek_live_",
            "live_sk_",
            "test_sk_",
            "sk_sandbox_",
            "sk_us_",
            "sk_eu_",
        ],
        r"(?:[pae]k_(?:live|prod)|(?:live|test)_sk|sk_(?:sandbox|us|eu))_[A-Za-z0-9_]{16,250}",
    )
    .checked(is_token_with_digits),
    // Source: PayPal, "Get an access token"; Braintree access tokens as above.
    Rule::token(
        "paypal-token",
        &["access_token$", "A21AA"],
        r"(?:access_token\$(?:production|sandbox)\$[a-z0-9]{16}\$[a-f0-9]{32}|A21AA[A-Za-z0-9_-]{80,})",
    ),
    // Source: Plaid, "Tokens": `access-ENVIRONMENT-UUID`; gitleaks plaid-api-token.
    Rule::token(
        "plaid-token",
        &["access-sandbox-", "access-development-", "access-production-"],
        r"access-(?:sandbox|development|production)-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    // Source: gitleaks easypost-api-token, easypost-test-api-token; kingfisher easypost.
    Rule::token("easypost-key", &["EZAK", "EZTK"], r"EZ[AT]K[A-Za-z0-9]{54}\b"),
    // Source: gitleaks flutterwave-encryption-key, flutterwave-public-key; trufflehog flutterwave.
    Rule::token(
        "flutterwave-key",
        &["FLWSECK", "FLWPUBK"],
        r"FLW(?:SECK|PUBK)(?:_TEST)?-[A-Za-z0-9]{12,40}(?:-X)?",
    ),
    // Source: kingfisher shippo; trufflehog shippo.
    Rule::token(
        "shippo-token",
        &["shippo_live_", "shippo_test_"],
        r"shippo_(?:live|test)_[A-Fa-f0-9]{40}",
    ),
    // Source: gitleaks gocardless-api-token; kingfisher gocardless.
    Rule::token(
        "gocardless-token",
        &["live_", "sandbox_"],
        r"(?:live|sandbox)_[A-Za-z0-9_-]{40}\b",
    )
    .checked(is_token_with_digits),
    // Source: gitleaks lob-api-key; kingfisher lob.
    Rule::token("lob-key", &["live_", "test_"], r"(?:live|test)_(?:pub_)?[a-f0-9]{31,35}\b"),
    // Source: Mercury, API docs, "Getting started": `secret-token:mercury_…` (RFC 8959).
    Rule::token(
        "mercury-token",
        &["secret-token:mercury_"],
        r"secret-token:mercury_[A-Za-z0-9_-]{20,}",
    ),
    // Source: Midtrans, "Access keys": `Mid-server-…`; as issued.
    Rule::token(
        "midtrans-key",
        &["Mid-server-", "Mid-client-"],
        r"Mid-(?:server|client)-[A-Za-z0-9_-]{16,}",
    ),
    // Source: betterleaks xendit-production-api-key.
    Rule::token(
        "xendit-key",
        &["xnd_production_", "xnd_development_"],
        r"xnd_(?:production|development)_[A-Za-z0-9]{30,}",
    ),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token(
        "adyen-key",
        &["AQE"],
        r"AQE[a-z][A-Za-z0-9+/]{20,}={0,2}-[A-Za-z0-9+/=]{20,}-[^\s\x22'<>]{10,40}",
    )
    .checked(is_token_with_digits),
    // Source: betterleaks paddle-live-api-key.
    Rule::token("paddle-key", &["pdl_live_", "pdl_sdbx_"], r"pdl_(?:live|sdbx)_[A-Za-z0-9_]{20,}"),
    // Source: kingfisher fleetbase; trufflehog fleetbase.
    Rule::token(
        "fleetbase-key",
        &["flb_live_", "flb_test_"],
        r"flb_(?:live|test)_[A-Za-z0-9]{20,}",
    ),
    // Source: kingfisher flexport; trufflehog flexport.
    Rule::token("flexport-token", &["shltm_"], r"shltm_[A-Za-z0-9_-]{40}"),
    // Source: betterleaks ebay-client-secret; eBay, "OAuth access tokens" (v^1.1#).
    Rule::token(
        "ebay-token",
        &["v^1.1#", "PRD-", "SBX-"],
        r"(?:v\^1\.1#[A-Za-z0-9^#+/=]{40,}|(?:PRD|SBX)-[a-f0-9]{12}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4})",
    ),
    // Source: as issued: `amzn.mws.` and a UUID; no public page that we know describes the shape.
    Rule::token(
        "amazon-mws-key",
        &["amzn.mws."],
        r"amzn\.mws\.[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("amazon-oauth-secret", &["amzn1.oa2-cs.v1."], r"amzn1\.oa2-cs\.v1\.[a-f0-9]{64}"),
    // Source: as issued; no public page that we know describes the shape.
    Rule::token("lightspeed-token", &["lsxs_"], r"lsxs_(?:pt_)?[A-Za-z0-9]{20,}"),
    // Source: betterleaks samsara-api-token.
    Rule::token("samsara-token", &["samsara_api_"], r"samsara_api_[A-Za-z0-9]{20,}"),
];
