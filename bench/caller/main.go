// Command caller holds many conversations at once for little CPU: what it says is Opus already, and
// of what it hears it only looks at the size of each packet.
//
// It reads commands and writes events, a JSON object a line. Times are seconds of CLOCK_MONOTONIC,
// the clock of everything else on the machine that is measured.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"golang.org/x/sys/unix"
)

// Recordings are lines of some 100 kB.
const maxLineBytes = 16 << 20

// command is one line of input.
type command struct {
	Do     string   `json:"do"`     // load, join, say, send, leave
	ID     string   `json:"id"`     // the session; none for load
	Name   string   `json:"name"`   // load, say: the recording
	Frames [][]byte `json:"frames"` // load: Opus packets of 20 ms; the name "" is the silence between
	Secs   float64  `json:"secs"`   // load: where speech ends in the frames
	URL    string   `json:"url"`    // join
	Token  string   `json:"token"`  // join
	All    bool     `json:"all"`    // join: tell of packets that are not loud as well
	Data   string   `json:"data"`   // send: a reliable data packet
}

// event is one line of output.
type event struct {
	ID    string  `json:"id"`
	Event string  `json:"event"` // joined, failed, bot, message, loud, quiet, said, disconnected
	At    float64 `json:"at"`
	// said: when the first sample would have been spoken to a microphone; At is the last one's.
	Start float64 `json:"start,omitempty"`
	// said: how late the latest packet so far was.
	LateSecs float64 `json:"late_secs,omitempty"`
	Bytes    int     `json:"bytes,omitempty"` // loud, quiet: size of the packet
	Data     string  `json:"data,omitempty"`  // message: its payload; failed: why
}

// recording is something to say.
type recording struct {
	frames [][]byte
	secs   float64
}

// output writes events whole, from any goroutine.
type output struct {
	lock    sync.Mutex
	encoder *json.Encoder
}

func (o *output) put(one event) {
	o.lock.Lock()
	defer o.lock.Unlock()
	// Nobody reads any more: the end of the input ends everything.
	_ = o.encoder.Encode(one)
}

// now returns seconds of CLOCK_MONOTONIC.
func now() float64 {
	var at unix.Timespec
	// Fails for clocks that do not exist only.
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &at)
	return float64(at.Sec) + float64(at.Nsec)/1e9
}

func run(input *bufio.Scanner, out *output) error {
	recordings := map[string]recording{}
	sessions := map[string]*session{}
	defer func() {
		for _, one := range sessions {
			one.leave()
		}
	}()
	for input.Scan() {
		var todo command
		if err := json.Unmarshal(input.Bytes(), &todo); err != nil {
			return fmt.Errorf("a command is no JSON: %w", err)
		}
		if todo.Do == "load" {
			recordings[todo.Name] = recording{todo.Frames, todo.Secs}
			continue
		}
		if todo.Do == "join" {
			one := newSession(todo.ID, recordings[""].frames, todo.All, out)
			sessions[todo.ID] = one
			go one.join(todo.URL, todo.Token)
			continue
		}
		one, known := sessions[todo.ID]
		if !known {
			return fmt.Errorf("no session %q", todo.ID)
		}
		switch todo.Do {
		case "say":
			one.speech <- recordings[todo.Name]
		case "send":
			one.send([]byte(todo.Data))
		case "leave":
			delete(sessions, todo.ID)
			go one.leave()
		default:
			return fmt.Errorf("no command %q", todo.Do)
		}
	}
	return input.Err()
}

func main() {
	lksdk.SetLogger(logger.GetDiscardLogger())
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, maxLineBytes)
	if err := run(input, &output{encoder: json.NewEncoder(os.Stdout)}); err != nil {
		fmt.Fprintln(os.Stderr, "caller:", err)
		os.Exit(1)
	}
}
