//! Programming interfaces to data, media, maps and models.
//!
//! Behind each row stands who describes the shape: a public set of rules (betterleaks,
//! detect-secrets, gitleaks, kingfisher, trufflehog), with its name for the service where that is
//! another one, or the service. `as issued`: as the service gives its keys out; no set has them, and
//! no page that we know describes them.

use crate::redact::services::Service;

/// Services, in the order of their names.
pub(in crate::redact) const DATA: &[Service] = &[
    ("alchemy", "a23 '_' a8 | a32[-_]"),  // kingfisher, trufflehog
    ("alphavantage", "L16"),              // as issued
    ("apilayer", "a32"),                  // kingfisher, trufflehog
    ("apitemplate", "a39"),               // kingfisher, trufflehog
    ("appointedd", "a88[+=]"),            // kingfisher, trufflehog
    ("assemblyai", "a32 | h32"),          // betterleaks, kingfisher, trufflehog
    ("audd", "a32[-]"),                   // kingfisher, trufflehog
    ("aviationstack", "a32"),             // kingfisher, trufflehog
    ("bannerbear", "a22 'tt'"),           // kingfisher, trufflehog
    ("besttime", "a36[_]"),               // kingfisher, trufflehog
    ("bigmodel", "!h32 '.' a16"),         // as issued
    ("blitapp", "a39[-_]"),               // kingfisher, trufflehog
    ("blogger", "a39[-]"),                // kingfisher, trufflehog
    ("calendarific", "a32"),              // kingfisher, trufflehog
    ("calorieninja", "!a40"),             // kingfisher, trufflehog
    ("carboninterface", "a21"),           // kingfisher, trufflehog
    ("ccloud", "a16 | a64[+/]"),          // kingfisher confluent
    ("cicero", "a40"),                    // kingfisher, trufflehog
    ("clarifai", "a32"),                  // kingfisher, trufflehog
    ("cloudimage", "!a30[_]"),            // kingfisher, trufflehog
    ("cloudmersive", "a36[-]"),           // kingfisher, trufflehog
    ("cloudsight", "a20-24"),             // kingfisher
    ("cohere", "a40"),                    // gitleaks
    ("convertapi", "a16"),                // kingfisher, trufflehog
    ("countrylayer", "a32"),              // kingfisher, trufflehog
    ("cpdev", "a16 | a64[+/]"),           // kingfisher confluent
    ("craftmypdf", "!a35"),               // kingfisher, trufflehog
    ("currentsapi", "a48[+-=_]"),         // kingfisher, trufflehog
    ("dandelion", "a32"),                 // kingfisher, trufflehog
    ("deepai", "a36[-]"),                 // kingfisher, trufflehog
    ("deepgram", "a40"),                  // betterleaks, kingfisher, trufflehog
    ("deepl", "uuid ':fx' | uuid"),       // kingfisher
    ("detectlanguage", "a32"),            // kingfisher, trufflehog
    ("diffbot", "a32"),                   // kingfisher, trufflehog
    ("diggernaut", "a40"),                // kingfisher, trufflehog
    ("edenai", "a36 '.' a92 '.' a43[_]"), // kingfisher, trufflehog
    ("extractorapi", "a40"),              // kingfisher, trufflehog
    ("fetchrss", "a40[.]"),               // kingfisher, trufflehog
    ("financialmodelingprep", "a32"),     // kingfisher, trufflehog
    ("flickr", "a32"),                    // gitleaks, kingfisher, trufflehog
    ("flightapi", "a24"),                 // kingfisher, trufflehog
    ("formcraft", "a16"),                 // kingfisher, trufflehog
    ("foursquare", "a48"),                // kingfisher, trufflehog
    ("geoapify", "a32"),                  // kingfisher, trufflehog
    ("geocode", "a28"),                   // kingfisher, trufflehog
    ("geocodify", "a40"),                 // kingfisher, trufflehog
    ("getgeoapi", "a40"),                 // kingfisher, trufflehog
    ("giphy", "a32"),                     // as issued
    ("graphhopper", "a36[-]"),            // kingfisher, trufflehog
    ("gyazo", "a43[-]"),                  // kingfisher, trufflehog
    ("hereapi", "a43"),                   // kingfisher, trufflehog
    ("holidayapi", "a36[-]"),             // kingfisher, trufflehog
    ("html2pdf", "a64"),                  // kingfisher, trufflehog
    ("hybiscus", "a43"),                  // kingfisher, trufflehog
    ("iconfinder", "a64"),                // kingfisher, trufflehog
    ("imagekit", "a36[=_]"),              // kingfisher, trufflehog
    ("imagga", "a72[=]"),                 // kingfisher, trufflehog
    ("ip2location", "a32"),               // kingfisher, trufflehog
    ("ipapi", "a32"),                     // kingfisher, trufflehog
    ("ipgeolocation", "a32"),             // kingfisher, trufflehog
    ("ipifi", "a32[_]"),                  // kingfisher geoipifi
    ("ipinfo", "h14"),                    // kingfisher, trufflehog
    ("ipinfodb", "a64"),                  // kingfisher, trufflehog
    ("ipquality", "a32"),                 // kingfisher, trufflehog
    ("ipstack", "h32"),                   // kingfisher, trufflehog
    ("kafka", "a16 | a64[+/]"),           // kingfisher confluent
    ("kaggle", "h32"),                    // as issued
    ("klipfolio", "h40"),                 // kingfisher, trufflehog
    ("languagelayer", "a32"),             // kingfisher, trufflehog
    ("lastfm", "h32"),                    // as issued
    ("lexigram", "a301"),                 // kingfisher, trufflehog
    ("linkpreview", "a32"),               // kingfisher, trufflehog
    ("mapquest", "a32"),                  // kingfisher, trufflehog
    ("marketstack", "a32"),               // kingfisher, trufflehog
    ("mediastack", "a32"),                // kingfisher, trufflehog
    ("mistral", "a32"),                   // betterleaks
    ("mockaroo", "a8"),                   // kingfisher, trufflehog
    ("moderation", "a36 '.' a115 '.' a43[_]"), // kingfisher, trufflehog
    ("monkeylearn", "h40"),               // kingfisher, trufflehog
    ("newsapi", "a32"),                   // kingfisher, trufflehog
    ("newscatcher", "a43[_]"),            // kingfisher, trufflehog
    ("numverify", "a32"),                 // kingfisher, trufflehog
    ("nytimes", "a32"),                   // gitleaks
    ("oddsapi", "h32"),                   // kingfisher theoddsapi
    ("omdb", "h8"),                       // as issued
    ("oopspam", "a40"),                   // kingfisher, trufflehog
    ("opencagedata", "a32"),              // kingfisher, trufflehog
    ("openuv", "a32"),                    // kingfisher, trufflehog
    ("openweather", "!a32"),              // betterleaks, kingfisher, trufflehog
    ("owlbot", "a40"),                    // kingfisher, trufflehog
    ("pandascore", "a51[-_]"),            // kingfisher, trufflehog
    ("paralleldots", "a43"),              // kingfisher, trufflehog
    ("parseur", "!h40"),                  // kingfisher, trufflehog
    ("pastebin", "a32[_]"),               // kingfisher, trufflehog
    ("pdflayer", "a32"),                  // kingfisher, trufflehog
    ("pdfshift", "h32"),                  // kingfisher, trufflehog
    ("pexels", "a56"),                    // as issued
    ("pixabay", "a34[-]"),                // kingfisher, trufflehog
    ("pollsapi", "a28"),                  // kingfisher, trufflehog
    ("positionstack", "a32[_]"),          // kingfisher, trufflehog
    ("privateai", "a32"),                 // gitleaks
    ("protocols", "a64"),                 // kingfisher protocolsio
    ("proxycrawl", "a22[_]"),             // kingfisher, trufflehog
    ("pyowm", "!a32"),                    // kingfisher openweather
    ("rapidapi", "a50[-_]"),              // gitleaks, kingfisher, trufflehog
    ("raven", "a16[-]"),                  // kingfisher, trufflehog
    ("rawg", "a32"),                      // kingfisher, trufflehog
    ("restpack", "a48"),                  // kingfisher
    ("ritekit", "h44"),                   // kingfisher, trufflehog
    ("route4me", "a32"),                  // kingfisher, trufflehog
    ("scrapeowl", "a30"),                 // kingfisher, trufflehog
    ("scraperapi", "a32"),                // kingfisher, trufflehog
    ("scraperbox", "a32"),                // kingfisher, trufflehog
    ("scrapestack", "a32"),               // kingfisher, trufflehog
    ("scrapfly", "h32"),                  // kingfisher, trufflehog
    ("scrapingant", "a32"),               // kingfisher, trufflehog
    ("scrapingbee", "a80"),               // kingfisher, trufflehog
    ("screenshotapi", "a7 '-' a7 '-' a7 '-' a7"), // kingfisher, trufflehog
    ("screenshotlayer", "a32[_]"),        // kingfisher, trufflehog
    ("selectpdf", "a36[-]"),              // kingfisher, trufflehog
    ("serphouse", "a60"),                 // kingfisher, trufflehog
    ("serpstack", "a32"),                 // kingfisher, trufflehog
    ("sherpadesk", "a32"),                // kingfisher, trufflehog
    ("shotstack", "a40"),                 // kingfisher, trufflehog
    ("shutterstock", "'v2/' a388"),       // trufflehog
    ("signaturit", "a86"),                // kingfisher, trufflehog
    ("sigopt", "a48"),                    // kingfisher, trufflehog
    ("speechtext", "h32"),                // kingfisher speechtextai
    ("spoonacular", "a32"),               // kingfisher, trufflehog
    ("sportsmonk", "a60"),                // kingfisher, trufflehog
    ("spotify", "a32"),                   // kingfisher
    ("stormglass", "a73[-]"),             // kingfisher, trufflehog
    ("storychief", "a940-1000[-._]"),     // kingfisher, trufflehog
    ("stripo", "'eyJhbGciOiJIUzI1NiJ9.' a130 '.' a43[-_]"), // kingfisher, trufflehog
    ("technicalanalysisapi", "a48"),      // kingfisher, trufflehog
    ("theoddsapi", "!h32"),               // kingfisher, trufflehog
    ("timezoneapi", "w20"),               // kingfisher, trufflehog
    ("tmdb", "h32"),                      // as issued
    ("tomtom", "a32"),                    // kingfisher, trufflehog
    ("travelpayouts", "a32"),             // kingfisher, trufflehog
    ("uclassify", "a12"),                 // kingfisher, trufflehog
    ("unplu", "a64"),                     // kingfisher unplugg
    ("unsplash", "a43[_]"),               // kingfisher, trufflehog
    ("upcdatabase", "a32"),               // kingfisher, trufflehog
    ("userstack", "a32"),                 // kingfisher, trufflehog
    ("vatlayer", "a32"),                  // kingfisher, trufflehog
    ("veriphone", "a32"),                 // kingfisher, trufflehog
    ("visualcrossing", "a25"),            // kingfisher, trufflehog
    ("walkscore", "a32"),                 // kingfisher, trufflehog
    ("weatherbit", "a32"),                // kingfisher, trufflehog
    ("weatherstack", "a32"),              // betterleaks, kingfisher, trufflehog
    ("webscraper", "a60"),                // kingfisher, trufflehog
    ("webscraping", "a32"),               // kingfisher, trufflehog
    ("whoxy", "a33"),                     // kingfisher, trufflehog
    ("worldweather", "a31"),              // kingfisher, trufflehog
    ("yandex", "a83[.] | a40[-_]"),       // gitleaks, kingfisher, trufflehog
    ("zenrows", "h40"),                   // kingfisher, trufflehog
    ("zenscrape", "uuid"),                // kingfisher, trufflehog
    ("zhipu", "!h32 '.' a16"),            // as issued
    ("zipcodeapi", "a64"),                // kingfisher, trufflehog
    ("zipcodebase", "uuid"),              // kingfisher, trufflehog
];
