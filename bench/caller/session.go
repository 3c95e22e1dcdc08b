package main

import (
	"sync"
	"time"

	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

const (
	frame = 20 * time.Millisecond
	// From LiveKit's encoder, 20 ms of silence are 1-3 bytes, or 55 before its first sound; 20 ms of
	// the delay server's tones are 90 and more (`python -m bench.agreement` shows both).
	loudBytes = 70
)

// session is one caller in one room.
type session struct {
	id      string
	out     *output
	silence [][]byte
	all     bool
	speech  chan recording
	left    chan struct{}
	once    sync.Once
	lock    sync.Mutex
	room    *lksdk.Room
}

func newSession(id string, silence [][]byte, all bool, out *output) *session {
	return &session{
		id: id, out: out, silence: silence, all: all,
		speech: make(chan recording, 1), left: make(chan struct{}),
	}
}

func (s *session) tell(kind, data string) {
	s.out.put(event{ID: s.id, Event: kind, At: now(), Data: data})
}

// join enters the room, publishes a microphone that is silent, and listens.
func (s *session) join(url, token string) {
	callback := lksdk.NewRoomCallback()
	callback.OnParticipantConnected = func(*lksdk.RemoteParticipant) { s.tell("bot", "") }
	callback.OnDisconnected = func() { s.tell("disconnected", "") }
	callback.OnTrackSubscribed = s.listen
	callback.OnDataPacket = func(packet lksdk.DataPacket, _ lksdk.DataReceiveParams) {
		if user, ok := packet.(*lksdk.UserDataPacket); ok && user.Topic == "" {
			s.tell("message", string(user.Payload))
		}
	}
	room, err := lksdk.ConnectToRoomWithToken(url, token, callback)
	if err != nil {
		s.tell("failed", err.Error())
		return
	}
	s.lock.Lock()
	s.room = room
	s.lock.Unlock()
	if len(room.GetRemoteParticipants()) > 0 {
		s.tell("bot", "")
	}
	track, err := lksdk.NewLocalTrack(webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2,
	})
	if err == nil {
		_, err = room.LocalParticipant.PublishTrack(track, &lksdk.TrackPublicationOptions{
			Name: "microphone", Source: livekit.TrackSource_MICROPHONE,
		})
	}
	if err != nil {
		s.tell("failed", err.Error())
		return
	}
	s.tell("joined", "")
	s.speak(track)
}

// speak sends a packet each 20 ms until the session is left: speech when there is some, else silence.
func (s *session) speak(track *lksdk.LocalTrack) {
	var saying recording
	var position, quiet int
	var began, late float64
	due := now()
	for {
		due += frame.Seconds()
		select {
		case <-s.left:
			return
		case <-time.After(time.Duration((due - now()) * float64(time.Second))):
		}
		if position == len(saying.frames) {
			select {
			case saying = <-s.speech:
				position = 0
			default:
			}
		}
		at := now()
		late = max(late, at-due)
		data := s.silence[quiet%len(s.silence)]
		quiet++
		if position < len(saying.frames) {
			data = saying.frames[position]
			position++
		}
		// A packet that cannot be sent is lost, as on any network.
		_ = track.WriteSample(media.Sample{Data: data, Duration: frame}, nil)
		if len(saying.frames) == 0 {
			continue
		}
		// A microphone has taken a packet's last sample when the packet leaves.
		starts := float64(position-1) * frame.Seconds()
		if position == 1 {
			began = at - frame.Seconds()
		}
		if starts < saying.secs && saying.secs <= starts+frame.Seconds() {
			ended := at - (starts + frame.Seconds() - saying.secs)
			s.out.put(event{ID: s.id, Event: "said", At: ended, Start: began, LateSecs: late})
		}
		if position == len(saying.frames) {
			saying, position = recording{}, 0
		}
	}
}

// listen tells of each packet that is loud.
func (s *session) listen(
	track *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant,
) {
	if track.Kind() != webrtc.RTPCodecTypeAudio {
		return
	}
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return
		}
		one := event{ID: s.id, Event: "quiet", At: now(), Bytes: len(packet.Payload)}
		if one.Bytes >= loudBytes {
			one.Event = "loud"
		}
		if s.all || one.Event == "loud" {
			s.out.put(one)
		}
	}
}

func (s *session) send(payload []byte) {
	s.lock.Lock()
	room := s.room
	s.lock.Unlock()
	if room == nil {
		s.tell("failed", "sent before the room was joined")
		return
	}
	err := room.LocalParticipant.PublishDataPacket(
		lksdk.UserData(payload), lksdk.WithDataPublishReliable(true))
	if err != nil {
		s.tell("failed", err.Error())
	}
}

// leave ends the session; a second time it does nothing.
func (s *session) leave() {
	s.once.Do(func() {
		close(s.left)
		s.lock.Lock()
		defer s.lock.Unlock()
		if s.room != nil {
			s.room.Disconnect()
		}
	})
}
