//! Chat, mail, telephony, marketing and support.
//!
//! Behind each row stands who describes the shape: a public set of rules (betterleaks,
//! detect-secrets, gitleaks, kingfisher, trufflehog), with its name for the service where that is
//! another one, or the service. `as issued`: as the service gives its keys out; no set has them, and
//! no page that we know describes them.

use crate::redact::services::Service;

/// Services, in the order of their names.
pub(in crate::redact) const MESSAGES: &[Service] = &[
    ("ably", "a6 '.' a6 ':' a43[-_]"),                 // kingfisher
    ("apifonica", "a11 '-' a4 '-' a4 '-' a4 '-' a12"), // kingfisher, trufflehog
    ("appfollow", "'eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.' a74 '.' a43[-_]"), // kingfisher, trufflehog
    ("ayrshare", "a8 '-' a8 '-' a8 '-' a8"), // kingfisher, trufflehog
    ("beamer", "!'b_' a44[-_=/+]"),          // gitleaks, kingfisher, trufflehog
    ("besnappy", "h64"),                     // kingfisher, trufflehog
    ("bitly", "a40[-]"),                     // betterleaks, kingfisher bitlyaccesstoken
    ("bombbomb", "a88[+/=]"),                // kingfisher, trufflehog
    ("bugherd", "a22"),                      // kingfisher, trufflehog
    ("bulbul", "a32"),                       // kingfisher, trufflehog
    ("campayn", "a64"),                      // kingfisher, trufflehog
    ("chatbot", "a32[_]"),                   // kingfisher, trufflehog
    ("chatfuel", "a128"),                    // kingfisher chatfule
    ("cliengo", "uuid"),                     // kingfisher, trufflehog
    ("clustdoc", "a60"),                     // kingfisher, trufflehog
    ("convertkit", "a22[_]"),                // kingfisher, trufflehog
    ("courier", "'pk_' a1-999 '_' a28"),     // kingfisher, trufflehog
    ("d7network", "a23 '='"),                // kingfisher, trufflehog
    ("debounce", "a13"),                     // kingfisher, trufflehog
    ("delighted", "a32"),                    // kingfisher, trufflehog
    ("discord", "!d17-19 | h64 | a32[-_]"),  // gitleaks, kingfisher
    ("disqus", "a64"),                       // betterleaks, kingfisher, trufflehog
    ("facebook", "h32"),                     // gitleaks, kingfisher
    ("feedier", "a32"),                      // kingfisher, trufflehog
    ("fileio", "a39[-.]"),                   // kingfisher, trufflehog
    ("front", "a36 '.' a188-244[-._]"),      // kingfisher, trufflehog
    ("fullstory", "a88[+/]"),                // betterleaks, kingfisher, trufflehog
    ("getresponse", "a32"),                  // kingfisher, trufflehog
    ("gitter", "a40[-]"),                    // gitleaks, kingfisher, trufflehog
    ("groove", "a64"),                       // kingfisher groovehq
    ("helpcrunch", "a328[+/=]"),             // kingfisher, trufflehog
    ("helpscout", "a40"),                    // kingfisher, trufflehog
    ("instabot", "a43[+/=] a1[+/=]"),        // kingfisher, trufflehog
    ("intercom", "a59[+/] '=' | a60[-_=]"),  // gitleaks, kingfisher, trufflehog
    ("interseller", "uuid"),                 // kingfisher, trufflehog
    ("kickbox", "a1-999[_] a64"),            // kingfisher, trufflehog
    ("klaviyo", "'pk_' a34"),                // betterleaks, kingfisher, trufflehog
    ("lemlist", "h32"),                      // kingfisher, trufflehog
    ("linear", "h32"),                       // gitleaks, kingfisher
    ("linenotify", "a43"),                   // kingfisher, trufflehog
    ("linkedin", "a12-14 | a16 | a14"),      // gitleaks, kingfisher
    ("mailboxlayer", "a32"),                 // kingfisher, trufflehog
    ("mailchimp", "h32 '-us' d1-2"),         // gitleaks, kingfisher, trufflehog
    ("mailerlite", "a32"),                   // kingfisher, trufflehog
    ("mailgun", "a72[-] | h32 '-' h8 '-' h8 | 'pubkey-' h32"), // gitleaks, kingfisher, trufflehog
    ("mailjet", "a87 '=' | !a32"),           // kingfisher mailjetbasicauth
    ("mailmodo", "a7 '-' a7 '-' a7 '-' a7"), // kingfisher, trufflehog
    ("mailsac", "'k_' a36-999"),             // kingfisher, trufflehog
    ("mandrill", "a20-24[-_]"),              // kingfisher, trufflehog
    ("mattermost", "a26"),                   // gitleaks, trufflehog mattermostpersonaltoken
    ("mesibo", "a64"),                       // kingfisher, trufflehog
    ("messagebird", "a25[-_] | a25 | uuid"), // gitleaks, kingfisher, trufflehog
    ("moosend", "uuid"),                     // kingfisher, trufflehog
    ("netcore", "!a32"),                     // kingfisher pepipost
    ("nicereply", "!h40"),                   // kingfisher, trufflehog
    ("noticeable", "!a20"),                  // kingfisher, trufflehog
    ("nylas", "a30"),                        // betterleaks, kingfisher, trufflehog
    ("omnisend", "a75[-]"),                  // kingfisher, trufflehog
    ("onesignal", "uuid | a48"),             // betterleaks, kingfisher, trufflehog
    ("pepipost", "!a32"),                    // kingfisher, trufflehog
    ("postageapp", "a32"),                   // kingfisher, trufflehog
    ("postmark", "uuid"),                    // betterleaks, kingfisher, trufflehog
    ("pushbullet", "a34[._]"),               // kingfisher
    ("pusher", "h20"),                       // trufflehog pusherchannelkey
    ("qualaroo", "a64[=]"),                  // kingfisher, trufflehog
    ("reachmail", "a64[-_]"),                // kingfisher, trufflehog
    ("refiner", "!uuid"),                    // kingfisher, trufflehog
    ("replyio", "a24"),                      // kingfisher, trufflehog
    ("salesblink", "'key-' a64"),            // kingfisher, trufflehog
    ("sendbird", "h24 | h40 | uuid"),        // gitleaks, kingfisher, trufflehog
    ("sparkpost", "a40"),                    // kingfisher, trufflehog
    ("surveybot", "!a80[-]"),                // kingfisher, trufflehog
    ("surveysparrow", "a88[-_]"),            // kingfisher, trufflehog
    ("survicate", "a32"),                    // kingfisher, trufflehog
    ("telegram", "!d8-10 ':' a35[-_]"),      // gitleaks, kingfisher telegrambottoken
    ("teletype", "a64[-]"),                  // kingfisher, trufflehog
    ("telnyx", "!'KEY' a50-60[-_]"),         // betterleaks, kingfisher, trufflehog
    ("twilio", "a32"),                       // gitleaks, kingfisher, trufflehog
    ("twitch", "a30"),                       // gitleaks, trufflehog
    (
        "twitter",
        "a18-25 | a35-44 | w22 '%' a23[-] '%' a6[-] '%' a3[-] '%' a9[-] '%' a52[-] | a25 | a45 | a50 | d15-25 '-' a20-40",
    ), // gitleaks, kingfisher, trufflehog
    ("tyntec", "a32"),                       // kingfisher, trufflehog
    ("userflow", "a29[_]"),                  // kingfisher, trufflehog
    ("vbout", "d25"),                        // kingfisher, trufflehog
    ("verimail", "a32"),                     // kingfisher, trufflehog
    ("voicegain", "'ey' a34[-_] '.ey' a108[-_] '.' a43[-_]"), // kingfisher, trufflehog
    ("voodoosms", "a46"),                    // kingfisher, trufflehog
    ("wistia", "a64"),                       // kingfisher, trufflehog
    ("zendesk", "a40"),                      // gitleaks, trufflehog zendeskapi
    ("zerobounce", "a32"),                   // kingfisher, trufflehog
    ("zonka", "a36"),                        // kingfisher zonkafeedback
];
