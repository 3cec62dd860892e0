//! Names as patterns: an accent may be written with its letter or as a character of its own.

/// Accents as characters of their own, and the letters that have them: with it, without it, ...
const ACCENTS: [(char, &str); 19] = [
    ('\u{300}', "ÀAÈEÌIÒOÙUàaèeìiòoùuǸNǹnỲYỳy"),
    ('\u{301}', "ÁAÉEÍIÓOÚUÝYáaéeíióoúuýyĆCćcĹLĺlŃNńnŔRŕrŚSśsŹZźzǴGǵgǼÆǽæǾØǿø"),
    ('\u{302}', "ÂAÊEÎIÔOÛUâaêeîiôoûuĈCĉcĜGĝgĤHĥhĴJĵjŜSŝsŴWŵwŶYŷy"),
    ('\u{303}', "ÃAÑNÕOãañnõoĨIĩiŨUũuẼEẽeỸYỹy"),
    ('\u{308}', "ÄAËEÏIÖOÜUäaëeïiöoüuÿyŸY"),
    ('\u{30a}', "ÅAåaŮUůu"),
    ('\u{327}', "ÇCçcĢGģgĶKķkĻLļlŅNņnŖRŗrŞSşsŢTţtȨEȩe"),
    ('\u{304}', "ĀAāaĒEēeĪIīiŌOōoŪUūuǢÆǣæȲYȳy"),
    ('\u{306}', "ĂAăaĔEĕeĞGğgĬIĭiŎOŏoŬUŭu"),
    ('\u{328}', "ĄAąaĘEęeĮIįiŲUųuǪOǫo"),
    ('\u{307}', "ĊCċcĖEėeĠGġgİIŻZżzȦAȧaȮOȯo"),
    ('\u{30c}', "ČCčcĎDďdĚEěeĽLľlŇNňnŘRřrŠSšsŤTťtŽZžzǍAǎaǏIǐiǑOǒoǓUǔuǦGǧgǨKǩkǮƷǯʒǰjȞHȟh"),
    ('\u{30b}', "ŐOőoŰUűu"),
    ('\u{31b}', "ƠOơoƯUưu"),
    ('\u{30f}', "ȀAȁaȄEȅeȈIȉiȌOȍoȐRȑrȔUȕu"),
    ('\u{311}', "ȂAȃaȆEȇeȊIȋiȎOȏoȒRȓrȖUȗu"),
    ('\u{326}', "ȘSșsȚTțt"),
    ('\u{323}', "ẠAạaẸEẹeỊIịiỌOọoỤUụuỴYỵy"),
    ('\u{309}', "ẢAảaẺEẻeỈIỉiỎOỏoỦUủuỶYỷy"),
];

/// A pattern for the text: accents in both spellings, blanks as shells and forms write them.
pub(super) fn pattern_of(text: &str) -> String {
    let mut pattern = String::new();
    let mut rest = text.chars().peekable();
    while let Some(letter) = rest.next() {
        let accented = rest.peek().and_then(|accent| composed(letter, *accent));
        if accented.is_some() {
            rest.next();
        }
        let whole = accented.unwrap_or(letter);
        match decomposed(whole) {
            Some((plain, accent)) => {
                pattern.extend(['(', '?', ':', whole, '|', plain, accent, ')']);
            }
            None if whole == ' ' => pattern.push_str(r"(?:\\{0,2} |\+)"),
            None => pattern.push_str(&regex::escape(whole.encode_utf8(&mut [0; 4]))),
        }
    }
    pattern
}

fn pairs(letters: &str) -> impl Iterator<Item = (char, char)> + '_ {
    let with = letters.chars().step_by(2);
    with.zip(letters.chars().skip(1).step_by(2))
}

fn composed(plain: char, accent: char) -> Option<char> {
    let (_, letters) = ACCENTS.iter().find(|(of, _)| *of == accent)?;
    pairs(letters).find(|(_, of)| *of == plain).map(|(with, _)| with)
}

fn decomposed(letter: char) -> Option<(char, char)> {
    ACCENTS.iter().find_map(|(accent, letters)| {
        pairs(letters).find(|(with, _)| *with == letter).map(|(_, plain)| (plain, *accent))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_give_one_pattern() {
        let pattern = pattern_of("Jos\u{e9} P");
        assert_eq!(pattern, pattern_of("Jose\u{301} P"));
        let pattern = regex::Regex::new(&pattern).expect("a pattern");
        for text in ["Jos\u{e9} P", "Jose\u{301} P", "Jos\u{e9}\\ P", "Jos\u{e9}+P"] {
            assert!(pattern.is_match(text), "{text}");
        }
    }
}
