//! Hosting, development, security, monitoring and databases.
//!
//! Behind each row stands who describes the shape: a public set of rules (betterleaks,
//! detect-secrets, gitleaks, kingfisher, trufflehog), with its name for the service where that is
//! another one, or the service. `as issued`: as the service gives its keys out; no set has them, and
//! no page that we know describes them.

use crate::redact::services::Service;

/// Services, in the order of their names.
pub(in crate::redact) const INFRASTRUCTURE: &[Service] = &[
    ("adafruit", "a32[-_]"),                // gitleaks, kingfisher adafruitio
    ("adobe", "!h32"),                      // gitleaks, kingfisher
    ("airbrake", "a40[-]"),                 // kingfisher
    ("aiven", "a372[+/=]"),                 // betterleaks, kingfisher, trufflehog
    ("algolia", "!a32"),                    // gitleaks, kingfisher
    ("alibaba", "!a30"),                    // gitleaks, kingfisher, trufflehog
    ("amplitude", "h32"),                   // betterleaks, trufflehog amplitudeapikey
    ("anypoint", "uuid"),                   // kingfisher, trufflehog
    ("apimetrics", "a32"),                  // kingfisher, trufflehog
    ("apollo", "a22"),                      // betterleaks, kingfisher, trufflehog
    ("appoptics", "a71[-_]"),               // kingfisher
    ("appsynergy", "a64"),                  // kingfisher, trufflehog
    ("appveyor", "a20"),                    // as issued
    ("atera", "a32"),                       // kingfisher, trufflehog
    ("atlas", "uuid"),                      // gitleaks, kingfisher atlassian
    ("atlassian", "a24"),                   // gitleaks, kingfisher, trufflehog
    ("auth0", "!a32-60[-_] | a64-999[-_]"), // betterleaks, kingfisher
    ("azure", "!a84 | a52"),                // gitleaks, kingfisher
    ("backblaze", "a31[+/]"),               // as issued
    ("bedrock", "a40-140[+/=]"),            // gitleaks
    ("betterstack", "a24"),                 // kingfisher, trufflehog
    ("bitbar", "a32"),                      // kingfisher, trufflehog
    ("bitbucket", "a44[+-_]"),              // gitleaks, kingfisher
    ("blazemeter", "!uuid"),                // kingfisher, trufflehog
    ("borgbase", "a148-152[-./_]"),         // kingfisher, trufflehog
    ("browshot", "a28"),                    // kingfisher, trufflehog
    ("buddyns", "a40"),                     // kingfisher, trufflehog
    ("budibase", "h32 '-' h78-80"),         // kingfisher, trufflehog
    ("bugsnag", "uuid"),                    // kingfisher, trufflehog
    ("bunny", "uuid"),                      // as issued
    ("checio", "'pk_' a45"),                // kingfisher, trufflehog
    ("checklyhq", "a32"),                   // kingfisher, trufflehog
    ("circleci", "!h40"),                   // betterleaks, kingfisher, trufflehog
    ("clerk", "a40-60"),                    // betterleaks
    ("cloudant", "h64 | w24"),              // detect-secrets, kingfisher
    ("cloudflare", "a38-42[-_] | h37"),     // gitleaks, kingfisher
    ("cloudplan", "a32[-]"),                // kingfisher, trufflehog
    ("cloudsmith", "!h40"),                 // betterleaks, kingfisher, trufflehog
    ("codacy", "a20-24"),                   // kingfisher, trufflehog
    ("codeclimate", "h64"),                 // kingfisher, trufflehog
    ("codecov", "a32 | uuid"),              // gitleaks
    ("codemagic", "a43[_]"),                // kingfisher, trufflehog
    ("codequiry", "a64"),                   // kingfisher, trufflehog
    ("codeship", "a40"),                    // as issued
    ("collect2", "uuid"),                   // kingfisher, trufflehog
    ("confluent", "a16 | a64[+/]"),         // gitleaks, kingfisher, trufflehog
    ("consul", "uuid"),                     // HashiCorp: an ACL token is a UUID
    ("contribsys", "!h8 ':' h8"),           // gitleaks sidekiq
    ("coveralls", "a37[-]"),                // betterleaks, kingfisher, trufflehog
    ("crowdin", "a80"),                     // kingfisher, trufflehog
    ("cypress", "uuid"),                    // kingfisher
    ("dareboost", "!a60"),                  // kingfisher, trufflehog
    ("databox", "a21[+=]"),                 // kingfisher, trufflehog
    ("datadog", "h32 | a40"),               // gitleaks, kingfisher
    ("detectify", "a32"),                   // kingfisher, trufflehog
    ("dnsimple", "a32"),                    // as issued
    ("dronahq", "a50"),                     // kingfisher, trufflehog
    ("drone", "a32"),                       // gitleaks, kingfisher droneci
    ("droneci", "a32"),                     // gitleaks, kingfisher, trufflehog
    ("dropbox", "a15 | 'sl.' a130-152[-_=] | a11 'AAAAAAAAAA' a43[-_=]"), // gitleaks, kingfisher, trufflehog
    ("ecostruxureit", "'AK1' a50-55[/]"),                                 // kingfisher, trufflehog
    ("elastic", "a96[-_]"),           // betterleaks, kingfisher elasticemail
    ("enigma", "!a40"),               // kingfisher, trufflehog
    ("envoy", "a220"),                // kingfisher envoyapikey
    ("fastly", "a32[-_] | a32[-_=]"), // gitleaks, kingfisher
    ("firebase", "a40"),              // as issued
    ("forgejo", "h40"),               // as issued
    ("formio", "'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.' a220-310 '.' a43[-_]"), // kingfisher, trufflehog
    ("gandi", "a24"),                                                           // as issued
    ("gitea", "h40"),                                                           // betterleaks
    ("godaddy", "a30-40[_]"),                                                   // trufflehog
    ("gogs", "h40"),                                                            // as issued
    ("grafana", "a36-100[=]"),          // gitleaks, kingfisher, trufflehog
    ("gtmetrix", "h32"),                // kingfisher, trufflehog
    ("guardian", "uuid"),               // kingfisher guardianapi
    ("hcloud", "a64"),                  // as issued
    ("heroku", "uuid"),                 // gitleaks, kingfisher, trufflehog
    ("hetzner", "a64"),                 // as issued
    ("honeybadger", "a32"),             // as issued
    ("honeycomb", "h32 | a22"),         // betterleaks, kingfisher, trufflehog
    ("ibm", "a42-44[-_]"),              // betterleaks, kingfisher
    ("impala", "a46[_]"),               // kingfisher, trufflehog
    ("influxdb", "a86-88[-_=]"),        // betterleaks
    ("infura", "a32"),                  // kingfisher, trufflehog
    ("ionic", "!'ion_' a42"),           // betterleaks, kingfisher
    ("jenkins", "!h32-36"),             // kingfisher
    ("jumpcloud", "a40"),               // betterleaks, kingfisher, trufflehog
    ("jupiterone", "a76"),              // kingfisher, trufflehog
    ("knapsackpro", "a32"),             // kingfisher, trufflehog
    ("launchdarkly", "a40[-_=]"),       // gitleaks, kingfisher, trufflehog
    ("linode", "h64"),                  // as issued
    ("loadmill", "a40"),                // kingfisher, trufflehog
    ("logdna", "h32"),                  // as issued
    ("loggly", "uuid"),                 // trufflehog
    ("loginradius", "uuid"),            // kingfisher, trufflehog
    ("logz", "uuid"),                   // kingfisher logzio
    ("lokalise", "a40"),                // kingfisher lokalisetoken
    ("looker", "a20 | a24"),            // gitleaks
    ("meilisearch", "a43[-_] | h64"),   // as issued
    ("meraki", "h40"),                  // gitleaks, trufflehog
    ("mixpanel", "h32"),                // trufflehog
    ("mongodb", "uuid | a36[-]"),       // betterleaks, kingfisher, trufflehog
    ("namecheap", "h32"),               // as issued
    ("neon", "a64"),                    // betterleaks
    ("netlify", "h60-64 | a43-45[-_]"), // gitleaks, kingfisher, trufflehog
    ("newrelic", "a4[._] '-' a42[._]"), // gitleaks, kingfisher
    ("ngrok", "a25-30 '_' a20-30 | a27"), // betterleaks, kingfisher, trufflehog
    ("nomad", "uuid"),                  // HashiCorp: an ACL token is a UUID
    ("nuget", "a46"),                   // gitleaks, kingfisher
    ("okta", "'00' a40[-_=]"),          // gitleaks, kingfisher, trufflehog
    ("opsgenie", "uuid"),               // betterleaks, kingfisher, trufflehog
    ("optimizely", "a54[-:]"),          // kingfisher, trufflehog
    ("ovh", "a16 | a32"),               // betterleaks
    ("packagecloud", "h48"),            // kingfisher, trufflehog
    ("pagerduty", "'u+' a18[-+_] | a20[-+_]"), // betterleaks, kingfisher pagerdutyapikey
    ("papertrail", "a20"),              // as issued
    ("percy", "h64"),                   // trufflehog
    ("pipedream", "a32"),               // kingfisher, trufflehog
    ("portainer", "a44[+/=]"),          // trufflehog
    ("qase", "a40"),                    // kingfisher, trufflehog
    ("qdrant", "a54[-_]"),              // as issued
    ("qubole", "a64"),                  // kingfisher, trufflehog
    ("raygun", "a24"),                  // as issued
    ("rockset", "a64"),                 // kingfisher
    ("rollbar", "h32"),                 // as issued
    ("runscope", "!uuid"),              // kingfisher blazemeter
    ("scaleway", "uuid"),               // betterleaks, kingfisher scalewaykey
    ("scrutinizer", "a64"),             // kingfisher scrutinizerci
    ("securitytrails", "a32"),          // kingfisher, trufflehog
    ("segment", "a43[-_] '.' a43[-_] | a32"), // betterleaks, kingfisher
    ("semaphore", "a32"),               // kingfisher, trufflehog
    ("sentry", "h64"),                  // gitleaks, kingfisher sentrytoken
    ("shodan", "a32"),                  // kingfisher shodankey
    ("sidekiq", "h8 ':' h8"),           // gitleaks
    ("snowflake", "a8-64[!#$%&*@^] | a8-64[!@#$%^&*]"), // betterleaks, kingfisher, trufflehog
    ("snyk", "uuid"),                   // gitleaks, kingfisher
    ("softlayer", "h64"),               // detect-secrets
    ("sonar", "a40"),                   // gitleaks, kingfisher sonarcloud
    ("splunk", "a22"),                  // kingfisher
    ("squarespace", "uuid"),            // gitleaks, kingfisher, trufflehog
    ("sslmate", "a36"),                 // betterleaks, kingfisher, trufflehog
    ("statuscake", "a20"),              // kingfisher, trufflehog
    ("statuspage", "a36[-]"),           // kingfisher, trufflehog
    ("statuspal", "a32"),               // kingfisher, trufflehog
    ("stitchdata", "a35[_]"),           // kingfisher, trufflehog
    ("storyblok", "a22 't'"),           // kingfisher, trufflehog
    ("stytch", "a44[-_=]"),             // trufflehog
    ("sumo", "'su' a12 | a64"),         // gitleaks, trufflehog sumologickey
    ("swiftype", "a6 '_' a6 '-' a6"),   // kingfisher, trufflehog
    ("thingsboard", "l20"),             // kingfisher
    ("transifex", "'1/' h40"),          // as issued
    ("travis", "a22[_]"),               // gitleaks, kingfisher travisci
    ("truenas", "!d1-4 '-' a64"),       // kingfisher
    ("typesense", "a32"),               // as issued
    ("upstash", "a52-60[=]"),           // betterleaks
    ("uptimerobot", "a9 '-' a24"),      // kingfisher, trufflehog
    ("urlscan", "a36[-]"),              // kingfisher, trufflehog
    ("vercel", "a24"),                  // betterleaks, kingfisher, trufflehog
    ("versioneye", "a40[-]"),           // kingfisher, trufflehog
    ("virustotal", "h64"),              // betterleaks, kingfisher, trufflehog
    ("vpnapi", "a32"),                  // kingfisher, trufflehog
    ("vultr", "a36"),                   // betterleaks, kingfisher vultrapikey
    ("wakatime", "'waka_' a36[-]"),     // betterleaks
    ("wandb", "!h40"),                  // kingfisher weightsandbiases
    ("wasabi", "a40"),                  // as issued
    ("weaviate", "a36-40"),             // as issued
    ("webflow", "a64"),                 // kingfisher, trufflehog
    ("workos", "a30-90"),               // betterleaks
    ("zerotier", "a32"),                // kingfisher, trufflehog
];
