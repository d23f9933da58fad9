package sandbox

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A GraphFault is something that goes wrong with requests to Graph's mail.
type GraphFault struct {
	// On is a part of the path of the requests that it happens to
	// ("/sendMail", "/AttachmentSessions"); "" is every request of mail.
	On string
	// Times is how many requests it happens to; zero is one.
	Times int
	// Status is the answer instead of taking the request: 401 says that the
	// token expired, 429 that there are too many requests; others say that the
	// service is not available. Zero lets Graph do its work.
	Status int
	// RetryAfter is that header of the answer, in whole seconds; zero is none.
	RetryAfter time.Duration
	// Plain200 answers 200 where Graph did its work and should say 201 or 202,
	// as it was seen to do with MIME above 2,240 kB.
	Plain200 bool
	// Silent never answers after Graph did its work, until the client goes.
	Silent bool
}

// GraphFaults are the faults that are still to happen, in order. Its methods
// are safe for concurrent use.
type GraphFaults struct {
	mu   sync.Mutex
	list []GraphFault
}

// Add puts faults behind those that are still to happen.
func (f *GraphFaults) Add(faults ...GraphFault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range faults {
		fault.Times = max(fault.Times, 1)
		f.list = append(f.list, fault)
	}
}

// Clear takes away what has not happened.
func (f *GraphFaults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = nil
}

// next takes the first fault for a request; its zero value is none.
func (f *GraphFaults) next(r *http.Request) GraphFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		if !strings.Contains(r.URL.Path, f.list[i].On) {
			continue
		}
		fault := f.list[i]
		if f.list[i].Times--; f.list[i].Times == 0 {
			f.list = append(f.list[:i:i], f.list[i+1:]...)
		}
		return fault
	}
	return GraphFault{}
}

// refusal is the answer of a fault that has a Status.
func (f GraphFault) refusal(g graph) answer {
	var a answer
	switch f.Status {
	case http.StatusUnauthorized:
		a = g.refuse(f.Status, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")
	case http.StatusTooManyRequests:
		a = g.refuse(f.Status, "ApplicationThrottled", textConcurrency)
	default:
		a = g.refuse(f.Status, "ServiceUnavailable", "The service is temporarily unavailable. Please try again later.")
	}
	if f.RetryAfter > 0 {
		a.header.Set("Retry-After", strconv.Itoa(int(f.RetryAfter/time.Second)))
	}
	return a
}

// finish sends a as the fault has it. It reads what the client still sends: one
// that is busy sending would not see an early answer.
func (f GraphFault) finish(w http.ResponseWriter, r *http.Request, a answer) {
	io.Copy(io.Discard, r.Body)
	if a.status < http.StatusBadRequest && f.Silent {
		// The server's limit for reading a request is none for waiting.
		http.NewResponseController(w).SetReadDeadline(time.Time{})
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	if a.status < http.StatusBadRequest {
		if f.Plain200 {
			a.status = http.StatusOK
		}
		if a.header == nil {
			a.header = http.Header{}
		}
		id := randomGUID()
		a.header.Set("Request-Id", id)
		a.header.Set("Client-Request-Id", id)
	}
	a.send(w)
}
