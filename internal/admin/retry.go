package admin

import "strings"

// retry writes PowerShell that runs command, which stops at its errors, ten
// times at most in 5 minutes: what was made just now is not known to every
// server of Exchange, and the error is the one for what does not exist.
func retry(command string) string {
	return `for ($try = 1; $true; $try++) {
    try {
        ` + command + `
        break
    } catch {
        if ($try -ge 10) {
            throw
        }
        Write-Warning $_.Exception.Message
        Write-Warning 'It may take a while until Exchange knows what is new. Next attempt in 30 seconds; Ctrl+C ends this.'
        Start-Sleep -Seconds 30
    }
}`
}

// indent moves a block one level to the right.
func indent(block string) string { return "    " + strings.ReplaceAll(block, "\n", "\n    ") }
