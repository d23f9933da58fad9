package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// A Person walks the sign-in pages as somebody at a browser would, without a
// browser: fills in what is asked, presses the first button, follows where it
// leads. Scripts are off.
type Person struct {
	Username, Password string
	MFACode            string // "" for an account without
	UserCode           string // for the device page
	// Client is used without its jar: every Visit starts without cookies. It
	// must trust the sandbox's CA. Nil is http.DefaultClient.
	Client *http.Client
}

// maxPages is how many pages one visit may lead through.
const maxPages = 12

// Visit opens address and walks on until a page asks nothing more, or until
// another host has answered: the client's own redirect address. It returns
// what that last page said. A page that complains ends the walk with its text
// as the error.
func (p Person) Visit(ctx context.Context, address string) (said string, err error) {
	client := *http.DefaultClient
	if p.Client != nil {
		client = *p.Client
	}
	if client.Jar, err = cookiejar.New(nil); err != nil {
		return "", err
	}
	start, err := url.Parse(address)
	if err != nil {
		return "", errors.New("the sign-in address is not a URL")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", errors.New("the sign-in address is not one that can be visited")
	}
	for range maxPages {
		screen, err := open(&client, request)
		if err != nil {
			return "", err
		}
		switch {
		case screen.at.Host != start.Host:
			return screen.text, nil
		case screen.alert != "":
			return screen.text, fmt.Errorf("the sign-in page said: %s", screen.alert)
		case screen.form == nil:
			return screen.text, nil
		}
		if request, err = p.fill(ctx, screen); err != nil {
			return screen.text, err
		}
	}
	return "", fmt.Errorf("the sign-in did not end after %d pages", maxPages)
}

// fill answers a page's form with what this person knows.
func (p Person) fill(ctx context.Context, s screen) (*http.Request, error) {
	known := map[string]string{"login": p.Username, "passwd": p.Password, "otc": p.MFACode, "user_code": p.UserCode}
	values := url.Values{}
	for name, value := range s.form.fields {
		answer, asked := known[name]
		switch {
		case asked && answer == "":
			return nil, fmt.Errorf("the sign-in page %q asks for %s, which this person has not", s.title, name)
		case asked:
			value = answer
		}
		values.Set(name, value)
	}
	target, err := s.at.Parse(s.form.action)
	if err != nil {
		return nil, fmt.Errorf("the sign-in page %q has a form without an address", s.title)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return nil, fmt.Errorf("the sign-in page %q has a form that cannot be sent", s.title)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return request, nil
}

// A screen is what a person sees of a page.
type screen struct {
	at    *url.URL
	title string
	text  string
	alert string // what the page complains of
	form  *form  // nil when the page asks nothing
}

type form struct {
	action string
	fields map[string]string // as they are before anybody types
}

// open fetches a page.
func open(client *http.Client, request *http.Request) (screen, error) {
	reply, err := client.Do(request)
	if err != nil {
		// The query may hold a code: the error names the host alone.
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return screen{}, fmt.Errorf("visit %s: %w", request.URL.Host, err)
	}
	defer reply.Body.Close()
	return readScreen(reply.Request.URL, reply.Body)
}

// readScreen reads the page that was found at an address.
func readScreen(at *url.URL, body io.Reader) (screen, error) {
	s := screen{at: at}
	document, err := html.Parse(io.LimitReader(body, 1<<20))
	if err != nil {
		return screen{}, fmt.Errorf("read the page of %s: %w", at.Host, err)
	}
	s.read(document)
	s.text = words(document)
	return s, nil
}

// read collects title, complaint and the first form below n.
func (s *screen) read(n *html.Node) {
	switch {
	case n.Type != html.ElementNode:
	case n.Data == "title":
		s.title = words(n)
	case attribute(n, "role") == "alert":
		s.alert = words(n)
	case n.Data == "form" && s.form == nil && strings.EqualFold(attribute(n, "method"), "post"):
		s.form = &form{attribute(n, "action"), map[string]string{}}
		s.form.read(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		s.read(c)
	}
}

// read collects the inputs below n; a box that is not ticked is not sent.
func (f *form) read(n *html.Node) {
	if n.Type == html.ElementNode && n.Data == "input" && attribute(n, "type") != "checkbox" {
		f.fields[attribute(n, "name")] = attribute(n, "value")
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		f.read(c)
	}
}

// attribute is the value of n's attribute called name, "" without it.
func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// words is the text below n as it reads, without styles and scripts.
func words(n *html.Node) string {
	var parts []string
	var collect func(*html.Node)
	collect = func(n *html.Node) {
		if n.Type == html.ElementNode && (n.Data == "style" || n.Data == "script" || n.Data == "head") {
			return
		}
		if n.Type == html.TextNode {
			parts = append(parts, strings.Fields(n.Data)...)
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			collect(c)
		}
	}
	collect(n)
	return strings.Join(parts, " ")
}
