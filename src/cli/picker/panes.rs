//! Where everything stands on the screen.

use ratatui::layout::Rect;

/// From this many columns on the preview stands beside the list.
const WIDE: u16 = 100;
/// From this many lines on there is room for a preview below the list.
const HIGH: u16 = 16;

/// The parts of the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panes {
    /// What is typed, and how much matches.
    pub(super) prompt: Rect,
    /// The sessions.
    pub(super) list: Rect,
    /// The line between list and preview.
    pub(super) rule: Rect,
    /// The preview.
    pub(super) preview: Rect,
    /// What happened, or the keys.
    pub(super) foot: Rect,
}

/// The parts of a screen of that size. One that is small shows the list or the preview.
pub(super) fn panes(width: u16, height: u16, is_preview_wanted: bool) -> Panes {
    let at = |x, y, width, height| Rect { x, y, width, height };
    let prompt = at(0, 0, width, height.min(1));
    let foot_height = u16::from(height > 2);
    let foot = at(0, height - foot_height, width, foot_height);
    let room = height.saturating_sub(prompt.height + foot_height);
    let nothing = at(0, prompt.height, 0, 0);
    let all = at(0, prompt.height, width, room);
    let beside = |list, rule, preview| Panes { prompt, list, rule, preview, foot };
    if !is_preview_wanted {
        return beside(all, nothing, nothing);
    }
    if width >= WIDE {
        let left = width / 2;
        let list = Rect { width: left - 1, ..all };
        let rule = Rect { x: left, width: 1, ..all };
        let preview = Rect { x: left + 2, width: width - left - 2, ..all };
        return beside(list, rule, preview);
    }
    if height >= HIGH {
        let above = room * 2 / 5;
        let list = Rect { height: above, ..all };
        let rule = Rect { y: all.y + above, height: 1, ..all };
        let preview = Rect { y: rule.y + 1, height: room - above - 1, ..all };
        return beside(list, rule, preview);
    }
    beside(nothing, nothing, all)
}

/// Whether a screen of that size shows list and preview at once.
pub(super) fn has_room(width: u16, height: u16) -> bool {
    width >= WIDE || height >= HIGH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_lies_outside_the_screen_or_over_another() {
        for width in 0..160 {
            for height in 0..60 {
                for is_preview_wanted in [false, true] {
                    let panes = panes(width, height, is_preview_wanted);
                    let parts = [panes.prompt, panes.list, panes.rule, panes.preview, panes.foot];
                    let screen = Rect { x: 0, y: 0, width, height };
                    for (n, part) in parts.iter().enumerate().filter(|(_, it)| it.area() > 0) {
                        assert_eq!(part.intersection(screen), *part, "{width}x{height} {part}");
                        let others = parts[n + 1..].iter();
                        let is_covered = others.clone().any(|it| it.intersects(*part));
                        assert!(!is_covered, "{width}x{height} {panes:?}");
                    }
                }
            }
        }
    }
}
