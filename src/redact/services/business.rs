//! Work, sales, money and commerce.
//!
//! Behind each row stands who describes the shape: a public set of rules (betterleaks,
//! detect-secrets, gitleaks, kingfisher, trufflehog), with its name for the service where that is
//! another one, or the service. `as issued`: as the service gives its keys out; no set has them, and
//! no page that we know describes them.

use crate::redact::services::Service;

/// Services, in the order of their names.
pub(in crate::redact) const BUSINESS: &[Service] = &[
    ("airtable", "a17"),                        // gitleaks, kingfisher
    ("asana", "d16 | !a30-40 | a51[/:] | a32"), // gitleaks, kingfisher
    ("autoklose", "a32[-]"),                    // kingfisher, trufflehog
    ("autopilot", "h32"),                       // kingfisher, trufflehog
    ("avaza", "d1-999 '-' h40"),                // kingfisher
    ("axonaut", "a32"),                         // kingfisher, trufflehog
    ("baremetrics", "a25[-_]"),                 // kingfisher, trufflehog
    ("beebole", "a40"),                         // kingfisher, trufflehog
    ("binance", "a64"),                         // as issued
    ("bitcoinaverage", "a43"),                  // kingfisher, trufflehog
    ("bittrex", "a32"),                         // gitleaks
    ("blocknative", "uuid"),                    // kingfisher, trufflehog
    ("boostnote", "h64"),                       // kingfisher, trufflehog
    ("brandfetch", "a40"),                      // kingfisher, trufflehog
    ("bscscan", "a34"),                         // kingfisher, trufflehog
    ("buttercms", "a40"),                       // kingfisher, trufflehog
    ("caflou", "a155"),                         // kingfisher, trufflehog
    ("calendly", "'eyJ' a100-300[-_] '.eyJ' a100-300[-_] '.' a1-999[-_]"), // kingfisher calendlyapikey
    ("canny", "uuid"),                                                     // kingfisher cannyio
    ("capsulecrm", "a64[+-.=_]"),                                          // kingfisher, trufflehog
    ("centralstationcrm", "a30"),                                          // kingfisher, trufflehog
    ("chartmogul", "!a32"),                                                // kingfisher, trufflehog
    ("clearbit", "a35[_]"),                                                // kingfisher, trufflehog
    ("clockify", "a48"),                                                   // kingfisher, trufflehog
    ("closecrm", "'api_' a45[.]"),                                         // trufflehog
    ("cloverly", "a28[:_]"),                                               // kingfisher, trufflehog
    ("coda", "uuid"),                                                      // kingfisher, trufflehog
    ("coinapi", "a36[-]"),                                                 // kingfisher, trufflehog
    ("coinbase", "a32[-]"),      // gitleaks, kingfisher, trufflehog
    ("coinlayer", "a32"),        // kingfisher, trufflehog
    ("coinlib", "a16"),          // kingfisher, trufflehog
    ("commercejs", "a48[_]"),    // kingfisher, trufflehog
    ("cryptocompare", "a64"),    // kingfisher, trufflehog
    ("currencyfreaks", "a32"),   // kingfisher, trufflehog
    ("currencylayer", "a32"),    // kingfisher, trufflehog
    ("currencyscoop", "a32"),    // kingfisher, trufflehog
    ("daily", "h64"),            // kingfisher dailyco
    ("ditto", "uuid '.' a40"),   // kingfisher, trufflehog
    ("docparser", "h40"),        // kingfisher, trufflehog
    ("dynalist", "a128[-_]"),    // kingfisher, trufflehog
    ("dyspatch", "a52"),         // kingfisher, trufflehog
    ("eagleeyenetworks", "a15"), // kingfisher, trufflehog
    ("eraser", "a20"),           // kingfisher, trufflehog
    ("etherscan", "a34"),        // kingfisher, trufflehog
    ("ethplorer", "a22[-]"),     // kingfisher, trufflehog
    ("etsy", "a24"),             // gitleaks
    ("eventbrite", "a20"),       // kingfisher, trufflehog
    ("everhour", "!h4 '-' h4 '-' h6 '-' h6 '-' h8"), // kingfisher, trufflehog
    ("exchangerate", "a24"),     // kingfisher exchangerateapi
    ("exchangerates", "a32"),    // kingfisher exchangeratesapi
    ("fastforex", "!a28[-]"),    // kingfisher, trufflehog
    ("finage", "a32"),           // kingfisher, trufflehog
    ("findl", "!uuid"),          // kingfisher, trufflehog
    ("finicity", "h32 | !a20"),  // gitleaks, kingfisher
    ("finnhub", "a20"),          // gitleaks, kingfisher, trufflehog
    ("fixer", "a32"),            // kingfisher fixerio
    ("float", "h16 a42-43[+/] '='"), // kingfisher, trufflehog
    ("freemius", "'sk_' a29"),   // gitleaks
    ("freshbooks", "a64"),       // gitleaks, trufflehog
    ("fulcrum", "a80"),          // kingfisher, trufflehog
    ("fxmarket", "a20[-=_]"),    // kingfisher, trufflehog
    ("geckoboard", "a44"),       // kingfisher, trufflehog
    ("getemail", "a20[-]"),      // kingfisher, trufflehog
    ("getgist", "a68[+=]"),      // kingfisher, trufflehog
    ("glassnode", "a27"),        // kingfisher, trufflehog
    ("gocardless", "'live_' a40-42[-_=]"), // gitleaks, kingfisher, trufflehog
    ("goodday", "a32"),          // kingfisher, trufflehog
    ("gumroad", "a43[-]"),       // betterleaks, kingfisher, trufflehog
    ("happyscribe", "a24"),      // kingfisher, trufflehog
    ("hellosign", "a64[+-/]"),   // kingfisher, trufflehog
    ("hiveage", "a20[-_]"),      // kingfisher, trufflehog
    ("holistic", "h64"),         // kingfisher, trufflehog
    ("humanity", "a40"),         // kingfisher, trufflehog
    ("hunter", "a40[-_]"),       // betterleaks, kingfisher, trufflehog
    ("iexapis", "'sk_' a32"),    // kingfisher, trufflehog
    ("iexcloud", "a35[_]"),      // kingfisher, trufflehog
    ("insightly", "a36[-]"),     // kingfisher, trufflehog
    ("intrinio", "a44"),         // kingfisher, trufflehog
    ("jira", "a24[-]"),          // gitleaks, kingfisher
    ("jotform", "!a32"),         // kingfisher, trufflehog
    ("juro", "a40"),             // kingfisher, trufflehog
    ("karma", "a20"),            // kingfisher karmacrm
    ("kontent", "a36[-]"),       // kingfisher, trufflehog
    ("kraken", "a80-90[-_=/+]"), // gitleaks, trufflehog
    ("kucoin", "h24 | uuid"),    // gitleaks, trufflehog
    ("kylas", "a36[-]"),         // kingfisher, trufflehog
    ("leadfeeder", "a43[-]"),    // kingfisher, trufflehog
    ("lemonsqueezy", "'eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.' a314 '.' a512[-_]"), // kingfisher, trufflehog
    ("loyverse", "a32"),    // kingfisher, trufflehog
    ("lunchmoney", "h50"),  // kingfisher, trufflehog
    ("madkudu", "h32"),     // kingfisher, trufflehog
    ("magnetic", "uuid"),   // kingfisher, trufflehog
    ("mavenlink", "a64"),   // kingfisher, trufflehog
    ("meistertask", "a43"), // kingfisher, trufflehog
    ("metrilo", "a16"),     // kingfisher, trufflehog
    ("mindmeister", "a43"), // kingfisher, trufflehog
    ("miro", "a27"),        // betterleaks, kingfisher, trufflehog
    ("mixmax", "a36[-_]"),  // kingfisher, trufflehog
    ("monday", "'eyJ' a15-100[-_] '.eyJ' a100-300[-_] '.' a25-100[-_]"), // betterleaks, kingfisher, trufflehog
    ("moonclerk", "a32"),                                                // kingfisher, trufflehog
    ("moralis", "a64"),                                                  // kingfisher, trufflehog
    ("myintervals", "a11"),                                              // kingfisher, trufflehog
    ("nasdaq", "a20[-_]"),                         // kingfisher nasdaqdatalink
    ("nftport", "uuid"),                           // kingfisher, trufflehog
    ("nimble", "a30"),                             // kingfisher, trufflehog
    ("nozbe", "!a16 '_' a64[-_=]"),                // kingfisher nozbeteams
    ("oanda", "a24"),                              // kingfisher, trufflehog
    ("onfleet", "a32"),                            // kingfisher, trufflehog
    ("overloop", "a50[-_]"),                       // kingfisher, trufflehog
    ("pandadoc", "a40"),                           // kingfisher, trufflehog
    ("paperform", "a850-1000[-._]"),               // kingfisher, trufflehog
    ("partnerstack", "a64"),                       // kingfisher, trufflehog
    ("paydirtapp", "a32"),                         // kingfisher, trufflehog
    ("paymoapp", "a44"),                           // kingfisher, trufflehog
    ("paymongo", "a32[_]"),                        // kingfisher, trufflehog
    ("paypal", "a44-80[-._] | a80[-_]"),           // betterleaks, kingfisher
    ("peopledatalabs", "a64"),                     // kingfisher, trufflehog
    ("pipedrive", "a40"),                          // kingfisher, trufflehog
    ("plaid", "a24 | a30"),                        // gitleaks, trufflehog plaidkey
    ("planyo", "a62"),                             // kingfisher, trufflehog
    ("podio", "a32"),                              // kingfisher, trufflehog
    ("polygon", "a32"),                            // kingfisher, trufflehog
    ("powrbot", "a40"),                            // kingfisher, trufflehog
    ("privacy", "uuid"),                           // kingfisher, trufflehog
    ("prodpad", "h64"),                            // kingfisher, trufflehog
    ("prospect", "a32[-]"),                        // kingfisher prospectcrm
    ("rebrandly", "a32[_]"),                       // kingfisher, trufflehog
    ("requestfinance", "a7 '-' a7 '-' a7 '-' a7"), // kingfisher, trufflehog
    ("rocketreach", "a39[-]"),                     // kingfisher, trufflehog
    ("salescookie", "a32"),                        // kingfisher, trufflehog
    ("salesflare", "a45[_]"),                      // kingfisher, trufflehog
    ("shipday", "a11[.] a20"),                     // kingfisher, trufflehog
    ("shortcut", "uuid"),                          // kingfisher, trufflehog
    ("signupgenius", "a32"),                       // kingfisher, trufflehog
    ("simfin", "a32"),                             // kingfisher, trufflehog
    ("simplesat", "a40"),                          // kingfisher, trufflehog
    ("simplynoted", "a340-360"),                   // kingfisher, trufflehog
    ("simvoly", "a33"),                            // kingfisher, trufflehog
    ("skrapp", "!a42"),                            // kingfisher skrappio
    ("smartsheets", "!a37"),                       // kingfisher, trufflehog
    ("snipcart", "a75[_]"),                        // kingfisher, trufflehog
    ("stockdata", "a40"),                          // kingfisher, trufflehog
    ("storecove", "a43[-_]"),                      // kingfisher, trufflehog
    ("stormboard", "h40"),                         // kingfisher, trufflehog
    ("streak", "h32"),                             // kingfisher, trufflehog
    ("supernotes", "a43[-_]"),                     // kingfisher supernotesapi
    ("tallyfy", "a36 '.' a264 '.' a683[-_]"),      // kingfisher, trufflehog
    ("tatum", "a36[-]"),                           // kingfisher tatumio
    ("taxjar", "a32"),                             // kingfisher, trufflehog
    ("tefter", "a20"),                             // kingfisher, trufflehog
    ("ticketmaster", "a32"),                       // kingfisher, trufflehog
    ("tickettailor", "'sk_' d4 '_' d6 '_' h32"),   // kingfisher, trufflehog
    ("tiingo", "a40"),                             // kingfisher, trufflehog
    ("timecamp", "a26"),                           // kingfisher, trufflehog
    ("tmetric", "a64"),                            // kingfisher, trufflehog
    ("todoist", "a40"),                            // kingfisher, trufflehog
    ("toggl", "a32"),                              // kingfisher toggltrack
    ("tradier", "a28"),                            // kingfisher, trufflehog
    ("transferwise", "uuid"),                      // kingfisher, trufflehog
    ("trello", "a32[-] | !a60-70[-]"),             // kingfisher
    ("twelvedata", "a32"),                         // kingfisher, trufflehog
    ("uplead", "a32[-]"),                          // kingfisher, trufflehog
    ("upwave", "a32"),                             // kingfisher, trufflehog
    ("viewneo", "a120-300 '.' a150-300 '.' a600-800[-_]"), // kingfisher, trufflehog
    ("vyte", "a50"),                               // kingfisher, trufflehog
    ("worksnaps", "a40"),                          // kingfisher, trufflehog
    ("workstack", "a60"),                          // kingfisher, trufflehog
    ("worldcoinindex", "a35"),                     // kingfisher, trufflehog
    ("wrike", "'ey' a333[-._]"),                   // kingfisher, trufflehog
    ("yelp", "a128[-.=_]"),                        // kingfisher, trufflehog
    ("youneedabudget", "h64"),                     // kingfisher, trufflehog
    ("yousign", "a32"),                            // kingfisher, trufflehog
    ("zenkit", "a8 '-' a32"),                      // kingfisher zenkitapi
    ("zeplin", "a350-400[-.]"),                    // kingfisher, trufflehog
];
