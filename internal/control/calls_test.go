package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"traymail/internal/account"
	"traymail/internal/mailer"
	"traymail/keystore"
)

// fill sets every field that v leads to, each to a value of its own, so that
// what gets lost on the way is seen, also of fields that are added one day.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Date(2026, 11, 20, 9, 30, 0, *n*1e6, time.UTC)))
			return
		}
		if v.Type() == reflect.TypeFor[netip.Prefix]() {
			v.Set(reflect.ValueOf(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(*n), 0}), 24)))
			return
		}
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), n)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(key, n)
		fill(value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d <é\u2028>", *n))
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(int64(*n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(uint64(*n % 256))
	case reflect.Interface: // a Submission's Data, which is no argument
	default:
		panic("fill cannot " + v.Type().String())
	}
}

func filled[T any]() T {
	var v T
	n := 0
	fill(reflect.ValueOf(&v).Elem(), &n)
	return v
}

// A callOf is one call: how it is made, what is to arrive and what to come back.
type callOf struct {
	call          func() []any // the results
	args, results []any
}

var networks = cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })

func two(a, b any) []any { return []any{a, b} }

func merged(calls, more map[string]callOf) map[string]callOf {
	maps.Copy(calls, more)
	return calls
}

// errFor is the error of every call below, so that a result and an error travel
// together.
var errFor = errors.New("the queue is closed")

func TestEveryCallArrivesAndReturnsWhole(t *testing.T) {
	r := newRig(t)
	var got []any // the arguments
	arrived := func(args ...any) { got = args }
	acc, secrets := filled[account.Account](), filled[mailer.Secrets]()
	delivery, queued, record, status := filled[mailer.Delivery](), filled[mailer.Queued](), filled[*mailer.Record](), filled[mailer.Status]()
	messages, attempts := filled[[]mailer.Message](), filled[[]mailer.Attempt]()
	submission := filled[mailer.Submission]()
	r.program.account = func(_ context.Context, name string) (account.Account, mailer.Secrets, error) {
		arrived(name)
		return acc, secrets, errFor
	}
	r.program.save = func(_ context.Context, a account.Account, s keystore.Secret) error {
		arrived(a, s.Reveal())
		return errFor
	}
	r.program.sendTest = func(_ context.Context, name, to string) (mailer.Delivery, error) {
		arrived(name, to)
		return delivery, errFor
	}
	taken := func(name string, s mailer.Submission) {
		data, err := io.ReadAll(s.Data)
		if err != nil {
			t.Error(err)
		}
		s.Data = nil
		arrived(name, s, string(data))
	}
	r.program.send = func(_ context.Context, name string, s mailer.Submission) (mailer.Delivery, error) {
		taken(name, s)
		return delivery, errFor
	}
	r.program.enqueue = func(_ context.Context, name string, s mailer.Submission) (mailer.Queued, error) {
		taken(name, s)
		return queued, errFor
	}
	r.program.messages = func(_ context.Context, f mailer.Filter) ([]mailer.Message, error) {
		arrived(f)
		return messages, errFor
	}
	r.program.message = func(_ context.Context, id string) (*mailer.Record, error) { arrived(id); return record, errFor }
	r.program.change = func(_ context.Context, id string, what mailer.Change) error { arrived(id, what); return errFor }
	r.program.flush = func(_ context.Context, name string) (int, error) { arrived(name); return 7, errFor }
	r.program.status = func(context.Context) (mailer.Status, error) { arrived(); return status, errFor }
	r.program.log = func(_ context.Context, after mailer.Attempt, limit int) ([]mailer.Attempt, error) {
		arrived(after, limit)
		return attempts, errFor
	}
	r.program.reload = func(context.Context) error { arrived(); return errFor }
	validation := filled[mailer.Validation]()
	r.program.validate = func(_ context.Context, name string) (mailer.Validation, error) {
		arrived(name)
		return validation, errFor
	}
	delegation := filled[mailer.Delegation]()
	r.program.delegate = func(_ context.Context, name string, grant bool) (mailer.Delegation, error) {
		arrived(name, grant)
		return delegation, errFor
	}
	r.program.remove = func(_ context.Context, name string) error { arrived(name); return errFor }
	r.program.configuring = arriving(arrived)

	ctx := t.Context()
	const body = "Subject: x\r\n\r\n.\r\n\x00\xff"
	var p mailer.Program = r.Client
	for name, c := range merged(callsOfConfiguring(ctx, p), map[string]callOf{
		"Account": {func() []any { a, s, err := p.Account(ctx, "work"); return []any{a, s, err} }, []any{"work"}, []any{acc, secrets}},
		"Save":    {func() []any { return []any{p.Save(ctx, acc, "s3cret")} }, []any{acc, "s3cret"}, nil},
		"SendTest": {func() []any { return two(p.SendTest(ctx, "work", "to@contoso.com")) },
			[]any{"work", "to@contoso.com"}, []any{delivery}},
		"Send": {func() []any { submission.Data = strings.NewReader(body); return two(p.Send(ctx, "work", submission)) },
			[]any{"work", filled[mailer.Submission](), body}, []any{delivery}},
		"Enqueue": {func() []any { submission.Data = strings.NewReader(body); return two(p.Enqueue(ctx, "", submission)) },
			[]any{"", filled[mailer.Submission](), body}, []any{queued}},
		"Messages":     {func() []any { return two(p.Messages(ctx, filled[mailer.Filter]())) }, []any{filled[mailer.Filter]()}, []any{messages}},
		"Message":      {func() []any { return two(p.Message(ctx, "id")) }, []any{"id"}, []any{record}},
		"Change":       {func() []any { return []any{p.Change(ctx, "id", mailer.Hold)} }, []any{"id", mailer.Hold}, nil},
		"Flush":        {func() []any { return two(p.Flush(ctx, "work")) }, []any{"work"}, []any{7}},
		"Status":       {func() []any { return two(p.Status(ctx)) }, nil, []any{status}},
		"Log":          {func() []any { return two(p.Log(ctx, attempts[0], 9)) }, []any{attempts[0], 9}, []any{attempts}},
		"Validate":     {func() []any { return two(p.Validate(ctx, "work")) }, []any{"work"}, []any{validation}},
		"SendOnBehalf": {func() []any { return two(p.SendOnBehalf(ctx, "work", true)) }, []any{"work", true}, []any{delegation}},
		"Reload":       {func() []any { return []any{p.Reload(ctx)} }, nil, nil},
		"Remove":       {func() []any { return []any{p.Remove(ctx, "work")} }, []any{"work"}, nil},
	}) {
		t.Run(name, func(t *testing.T) {
			got = []any{"nothing"}
			results := c.call()
			err, _ := results[len(results)-1].(error)
			if err == nil || err.Error() != errFor.Error() {
				t.Errorf("error %v, want %v", err, errFor)
			}
			if diff := cmp.Diff(c.args, got, networks, cmp.Transformer("nil", func(a []any) []any { return append([]any{}, a...) })); diff != "" {
				t.Errorf("the arguments changed on the way:\n%s", diff)
			}
			if diff := cmp.Diff(append([]any{}, c.results...), results[:len(results)-1], networks); diff != "" {
				t.Errorf("the results changed on the way:\n%s", diff)
			}
		})
	}
}

func TestWhatIsEmptyOrMissingStaysSo(t *testing.T) {
	r := newRig(t)
	lists := map[string][]mailer.Message{"nil": nil, "empty": {}}
	r.program.messages = func(_ context.Context, f mailer.Filter) ([]mailer.Message, error) { return lists[f.ID], nil }
	r.program.message = func(context.Context, string) (*mailer.Record, error) { return nil, errFor }
	for id, want := range lists {
		if got, err := r.Messages(t.Context(), mailer.Filter{ID: id}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s list came as %#v, %v", id, got, err)
		}
	}
	if got, err := r.Message(t.Context(), "x"); got != nil || err == nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAPanicOfTheProgramIsTheCallersErrorAndItsValueIsNotLogged(t *testing.T) {
	r := newRig(t)
	r.program.save = func(_ context.Context, _ account.Account, s keystore.Secret) error { panic(s.Reveal()) }
	err := r.Save(t.Context(), account.Account{Name: "work"}, "hunter2")
	if err == nil || err.Error() != errPanicked.Error() {
		t.Errorf("save: %v", err)
	}
	if err := r.Watch(t.Context(), func(mailer.Status) error { return nil }); err == nil || err.Error() != errPanicked.Error() {
		t.Errorf("watch: %v", err)
	}
	if _, err := r.Send(t.Context(), "", mailer.Submission{Data: strings.NewReader("x")}); err == nil || err.Error() != errPanicked.Error() {
		t.Errorf("send: %v", err)
	}
	if log := r.log.String(); strings.Contains(log, "hunter2") || !strings.Contains(log, "call=/account/save") || !strings.Contains(log, "nil pointer") {
		t.Errorf("log: %s", log)
	}
	r.program.reload = func(context.Context) error { return nil }
	if err := r.Reload(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// post sends a request as another program might, and returns the reply's first
// line and body.
func (r *rig) post(t *testing.T, method, path, body string, header map[string]string) (int, string) {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), method, "http://traymail"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set(apiHeader, api)
	for k, v := range header {
		q.Header.Set(k, v)
	}
	p, err := r.Client.http.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Body.Close()
	b, err := io.ReadAll(p.Body)
	if err != nil {
		t.Fatal(err)
	}
	return p.StatusCode, string(b)
}

func TestWhatIsNotARequestOfTraymailIsRefused(t *testing.T) {
	r := newRig(t) // whose program panics when it is called
	for name, c := range map[string]struct {
		method, path, body string
		header             map[string]string
		status             int
		text               string
	}{
		"a web page":           {"POST", "/status", "{}", map[string]string{"Origin": "https://evil.example"}, 403, "web pages"},
		"a page without name":  {"POST", "/status", "{}", map[string]string{"Origin": ""}, 403, "web pages"},
		"another method":       {"GET", "/status", "", nil, 405, ""},
		"an unknown call":      {"POST", "/shell", "{}", nil, 404, ""},
		"no JSON":              {"POST", "/account", "work", nil, 400, "cannot read"},
		"another type":         {"POST", "/account", "{}", nil, 400, "cannot read"},
		"two values":           {"POST", "/account", `"a" "b"`, nil, 400, "cannot read"},
		"too much":             {"POST", "/account", `"` + strings.Repeat("a", maxJSON) + `"`, nil, 413, "longer than 1048576"},
		"too long an envelope": {"POST", "/send", `{"account":"` + strings.Repeat("a", 2*maxJSON) + "\"}\nSubject: x\n", nil, 400, "cannot read"},
		"an envelope cut off":  {"POST", "/send", `{"account":"a"`, nil, 400, "cannot read"},
		"another version":      {"POST", "/status", "{}", map[string]string{apiHeader: "0", versionHeader: "v9.9"}, 400, "this command is v9.9 (interface 0): restart it"},
	} {
		t.Run(name, func(t *testing.T) {
			status, body := r.post(t, c.method, c.path, c.body, c.header)
			if status != c.status || !strings.Contains(body, c.text) {
				t.Errorf("%d %s", status, body)
			}
			if strings.Contains(body, "aaaa") {
				t.Error("what was sent is quoted")
			}
		})
	}
	if log := r.log.String(); log != "" {
		t.Errorf("log: %s", log)
	}
}

func TestALongErrorIsNotCutAndARefusalsTextArrives(t *testing.T) {
	r := newRig(t)
	long := strings.Repeat("long ", 1<<20)
	r.program.reload = func(context.Context) error { return errors.New(long) }
	if err := r.Reload(t.Context()); err == nil || err.Error() != long {
		t.Errorf("%.80v", err)
	}
	if _, _, err := r.Account(t.Context(), strings.Repeat("a", maxJSON)); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("%v", err)
	}
	if _, err := r.Flush(t.Context(), strings.Repeat("a", maxJSON)); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("%v", err)
	}
}
