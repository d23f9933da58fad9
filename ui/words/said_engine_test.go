package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The texts of the engine that the window may show are read from its source:
// every string of the folders below that reads as a sentence or a part of one,
// but for those that silent, wordless, unsaid and names let pass.

// engine are the folders, each with the only files that say something to people,
// or the files that do not.
var engine = map[string]struct{ only, except []string }{
	"internal/checks":    {except: []string{"inspection.go"}}, // names of makers
	"internal/admin":     {},
	"internal/account":   {},
	"internal/mailer":    {except: []string{"alert_mail.go", "alert_move.go", "bounce.go", "scrub.go", "submission.go", "enqueue.go", "send.go", "settings_values.go", "overgraph.go"}}, // mails, files, and what commands hand over
	"internal/claims":    {},
	"internal/apponly":   {},
	"internal/exchange":  {},
	"internal/graph":     {only: []string{"errors.go", "request.go", "watchdog.go"}},
	"internal/relay":     {only: []string{"validate.go", "certificate.go", "standing.go"}},
	"internal/control":   {only: []string{"address_unix.go", "address_windows.go", "client.go", "control.go", "window.go"}},
	"internal/logfile":   {},
	"internal/autostart": {only: []string{"autostart.go", "run.go"}},
	"internal/queue":     {only: []string{"control.go", "damage.go", "damage_mend.go", "damage_postgres.go", "damage_sum.go", "damage_warden.go", "delivery.go", "queue.go"}},
	"internal/salvage":   {only: []string{"check.go"}},
	"authcode":           {except: []string{"page.go", "consent.go", "receiver.go", "authcode.go", "authorize.go"}}, // pages in the browser, and a programmer's mistakes
	"keystore":           {},
	"smtp":               {only: []string{"auth.go", "connect.go", "errors.go", "explain.go"}},
	"ui/handover":        {},
	"ui/relay":           {},
	"ui/settings":        {},
	"ui/accounts":        {},
	"ui/setup":           {},
}

// silent are functions and methods that take strings which nobody reads in a
// window: the log, patterns, comparisons, commands, files, the wire.
var silent = regexp.MustCompile(`^(?:` +
	`regexp\.\w+|slog\.\w+|strings\.(?:Contains|ContainsAny|HasPrefix|HasSuffix|TrimPrefix|TrimSuffix|Trim|Cut|Replace|ReplaceAll|NewReplacer|Index|Count|EqualFold)|` +
	`(?:.*\.)?(?:Debug|Info|Warn|Error|Log|LogAttrs|With|Format|Set|Add|Getenv|LookupEnv|Exec|Query|QueryRow|ExecContext|QueryContext|QueryRowContext|Sscanf|Command|CommandContext|Join|NewRequest\w*)|` +
	`traymail|quote|comment|missing|install|header|line|printable|panic|.*\.command)$`)

// wordless are fields that hold something else than a sentence for the window.
var wordless = []string{"Command", "Verify", "Expect", "Role", "Why", "Name", "For", "Key", "Subject", "Type", "Session", "Link", "Header", "Copy", "what"}

// unsaid are functions, by folder, whose strings nobody reads in a window.
var unsaid = []string{
	"internal/queue.tellsDamageAtOpen", "internal/queue.messageColumns", "internal/checks.ownName", "internal/checks.option",
	"internal/account.defaultGraphScope", "keystore.entryLimit", "internal/mailer.aboutProgram", "internal/mailer.text",
}

// names are the same in every language, or too short to be known again.
var names = []string{
	"Exchange Online", "Microsoft Graph", "Windows Credential Manager", "macOS Keychain", "Secret Service (GNOME Keyring, KWallet)",
	"(request-id {1})", "for {1}", "of {1}", ", last", ", sum", ", state, next_at, job, sum",
}

// pieced are texts that the code puts together of several strings, or that do not
// look like one.
var pieced = map[string]string{
	"Send As":                                    "internal/checks/sendas.go",
	"Send on Behalf":                             "internal/checks/sendas.go",
	"Send As or Send on Behalf":                  "internal/checks/sendas.go",
	"signing in of {1}":                          "authcode/error.go",
	"granting admin consent":                     "authcode/error.go",
	"the message has no recipients":              "smtp/message.go",
	"unavailable":                                "keystore/keystore.go",
	"damaged":                                    "keystore/keystore.go",
	"signing in with a device code of {1}":       "authcode/error.go",
	"redeeming the authorization code of {1}":    "authcode/error.go",
	"checking who signed in of {1}":              "authcode/error.go",
	"refreshing the access token of {1}":         "authcode/error.go",
	"getting an application token for {1}":       "authcode/error.go",
	"{1} of {2} recipients within an hour, last": "internal/mailer/alert_rules.go",
	"read {1} in {2}":                            "keystore/keystore.go",
	"store {1} in {2}":                           "keystore/keystore.go",
	"delete {1} in {2}":                          "keystore/keystore.go",
}

// engineTexts are the texts that the engine's source holds, each with its file.
func engineTexts(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for dir, of := range engine {
		files, err := filepath.Glob(filepath.Join("..", "..", dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, err)
		}
		for _, name := range slices.Concat(of.only, of.except) {
			if !slices.Contains(files, filepath.Join("..", "..", dir, name)) {
				t.Errorf("%s has no file %s", dir, name)
			}
		}
		for _, file := range files {
			name := filepath.Base(file)
			if strings.HasSuffix(name, "_test.go") || slices.Contains(of.except, name) || of.only != nil && !slices.Contains(of.only, name) {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			c := &collector{dir: dir, take: func(text string) { all[text] = dir + "/" + name }}
			ast.Walk(c, parsed)
		}
	}
	return all
}

// collector walks a file and takes its texts.
type collector struct {
	dir   string
	above []ast.Node // what the node stands in
	take  func(text string)
}

func (c *collector) Visit(n ast.Node) ast.Visitor {
	switch n := n.(type) {
	case nil, *ast.ImportSpec:
		return nil
	case *ast.Field:
		if n.Tag != nil {
			return nil
		}
	case *ast.BinaryExpr:
		switch n.Op {
		case token.EQL, token.NEQ:
			return nil
		case token.ADD:
			c.text(n)
			// What is called within has texts of its own.
			ast.Inspect(n, func(x ast.Node) bool {
				call, ok := x.(*ast.CallExpr)
				if ok {
					ast.Walk(c.within(n), call)
				}
				return !ok
			})
			return nil
		}
	case *ast.BasicLit:
		if n.Kind == token.STRING {
			c.text(n)
		}
	}
	return c.within(n)
}

func (c *collector) within(n ast.Node) *collector {
	return &collector{c.dir, append(slices.Clip(c.above), n), c.take}
}

// text takes a string, or several that are added up, if the window may show it.
func (c *collector) text(e ast.Expr) {
	field, inError, written := "", false, false
	child := ast.Node(e)
	for _, n := range slices.Backward(c.above) {
		switch n := n.(type) {
		case *ast.CallExpr:
			name := called(n)
			if n.Fun == child {
				break
			}
			if silent.MatchString(name) {
				return
			}
			written = written || slices.Contains([]string{"fmt.Fprintf", "fmt.Fprint"}, name) || strings.HasSuffix(name, ".WriteString")
		case *ast.KeyValueExpr:
			if n.Key == child {
				return
			}
			if id, ok := n.Key.(*ast.Ident); ok && field == "" {
				field = id.Name
			}
		case *ast.AssignStmt:
			if field == "" {
				i := slices.IndexFunc(n.Rhs, func(x ast.Expr) bool { return x == child })
				switch to := n.Lhs[max(0, min(i, len(n.Lhs)-1))].(type) {
				case *ast.SelectorExpr:
					field = to.Sel.Name
				case *ast.Ident:
					field = "=" + to.Name
				}
			}
		case *ast.ValueSpec:
			if field == "" {
				field = "=" + n.Names[0].Name
			}
		case *ast.IndexExpr:
			if n.Index == child {
				return
			}
		case *ast.CaseClause:
			if slices.ContainsFunc(n.List, func(x ast.Expr) bool { return x == child }) {
				return
			}
		case *ast.FuncDecl:
			inError = n.Name.Name == "Error"
			if n.Name.Name == "Format" || n.Name.Name == "GoString" || slices.Contains(unsaid, c.dir+"."+n.Name.Name) {
				return
			}
		}
		child = n
	}
	if written && !inError || slices.Contains(wordless, field) {
		return
	}
	if c.dir == "internal/admin" && !strings.HasSuffix(field, "Takes") && !slices.Contains([]string{"Title", "Where", "=who", "=platform"}, field) {
		return // the rest of a step is for the command that prints it
	}
	c.take(flat(e))
}

// called is what a call calls, "fmt.Sprintf" or "b.WriteString".
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if id, ok := f.X.(*ast.Ident); ok {
			return id.Name + "." + f.Sel.Name
		}
		return "." + f.Sel.Name
	}
	return ""
}

// verb is what a format puts a value for.
var verb = regexp.MustCompile(`%[-+#0]*(?:\[(\d+)\])?[\d.]*[sqdvfxTwoU%]`)

// flat is a string with a place for whatever is no literal, and for every verb
// of a format.
func flat(e ast.Expr) string {
	n := 0
	place := func() string {
		n++
		return "{" + strconv.Itoa(n) + "}"
	}
	var add func(ast.Expr) string
	add = func(e ast.Expr) string {
		switch e := e.(type) {
		case *ast.BasicLit:
			s, _ := strconv.Unquote(e.Value)
			return verb.ReplaceAllStringFunc(s, func(v string) string {
				switch m := verb.FindStringSubmatch(v); {
				case v == "%%":
					return "%"
				case m[1] != "":
					return "{" + m[1] + "}"
				}
				return place()
			})
		case *ast.BinaryExpr:
			if e.Op == token.ADD {
				return add(e.X) + add(e.Y)
			}
		case *ast.ParenExpr:
			return add(e.X)
		}
		return place()
	}
	return add(e)
}
