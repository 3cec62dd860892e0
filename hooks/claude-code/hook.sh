{annals} hooks run claude-code >/dev/null 2>&1 || true
