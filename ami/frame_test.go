package ami

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// messagesOf reads a stream to its end.
func messagesOf(r io.Reader) (texts []string, err error) {
	f := newFramer(r)
	for {
		m, err := f.next()
		if errors.Is(err, io.EOF) {
			return texts, nil
		}
		if err != nil {
			return texts, err
		}
		texts = append(texts, m.String())
	}
}

func TestMessagesAreCutAtTheirBlankLines(t *testing.T) {
	cases := []struct {
		name, stream string
		want         []string
		err          error
	}{
		{"one", "Response: Success\r\nActionID: 1\r\n\r\n", []string{"Response: Success\nActionID: 1\n"}, nil},
		{"two at once", "Event: A\r\n\r\nEvent: B\r\n\r\n", []string{"Event: A\n", "Event: B\n"}, nil},
		{
			"a line feed of its own is part of the value, as after Park",
			"Response: Success\r\nMessage: Park successful\n\r\n\r\nEvent: B\r\n\r\n",
			[]string{"Response: Success\nMessage: Park successful\n\n", "Event: B\n"},
			nil,
		},
		{"an answer that ends twice, as QueueRule's", "Response: Success\r\n\r\n\r\nEvent: B\r\n\r\n", []string{"Response: Success\n", "Event: B\n"}, nil},
		{
			"the old form of a command's output",
			"Response: Follows\r\nPrivilege: Command\r\nActionID: 7\r\nName: x\n\nEvent: y\n--END COMMAND--\r\n\r\nEvent: B\r\n\r\n",
			[]string{"Response: Follows\nPrivilege: Command\nActionID: 7\nOutput: Name: x\nOutput: \nOutput: Event: y\n", "Event: B\n"},
			nil,
		},
		{"cut off", "Event: A\r\n\r\nEvent: B\r\n", []string{"Event: A\n"}, io.ErrUnexpectedEOF},
		{"nothing", "", nil, nil},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			for how, r := range map[string]io.Reader{
				"at once": strings.NewReader(tc.stream), "byte by byte": iotest.OneByteReader(strings.NewReader(tc.stream)),
			} {
				got, err := messagesOf(r)
				if diff := cmp.Diff(tc.want, got); diff != "" || !errors.Is(err, tc.err) {
					t.Errorf("%s: %v\n%s", how, err, diff)
				}
			}
		})
	}
}

func TestEndlessMessageEndsTheConnection(t *testing.T) {
	endless := io.MultiReader(strings.NewReader("Event: A\r\n"), strings.NewReader(strings.Repeat("X: y\r\n", maxMessage/4)))
	if _, err := messagesOf(endless); !errors.Is(err, errTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestHeaders(t *testing.T) {
	m := ParseMessage("Event: Status\r\nVariable: a=1\r\nVariable: b=2\r\nEmpty: \r\nodd line\r\nTight:x\r\nName: a: b\r\n")
	for name, want := range map[string]string{"event": "Status", "EMPTY": "", "Tight": "x", "Name": "a: b", "none": ""} {
		if got := m.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if diff := cmp.Diff([]string{"a=1", "b=2"}, m.All("variable")); diff != "" {
		t.Error(diff)
	}
	if m.Has("none") || !m.Has("Empty") || m.Event() != "Status" || m.Response() != "" {
		t.Error("the message is not told apart")
	}
}

// What is cut into messages is what came, whatever came: nothing is lost, nothing made up.
func FuzzFrames(f *testing.F) {
	files, _ := filepath.Glob("testdata/recorded/22/{login,park-and-pickup,command,hostile-names}.txt")
	for _, file := range append(files, "testdata/recorded/22/login.txt") {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw[:min(len(raw), 4000)]))
	}
	f.Add("Response: Follows\r\nx\n--END COMMAND--\r\n\r\n")
	f.Add("\r\n\r\n\r\nEvent: A\r\n\r\n")
	f.Add("Event: A\r\nX: \xff\xfe\n\r\r\n\r\n")
	f.Fuzz(func(t *testing.T, stream string) {
		whole, err1 := messagesOf(strings.NewReader(stream))
		pieces, err2 := messagesOf(iotest.OneByteReader(strings.NewReader(stream)))
		if diff := cmp.Diff(whole, pieces); diff != "" || (err1 == nil) != (err2 == nil) {
			t.Errorf("pieces make a difference: %v, %v\n%s", err1, err2, diff)
		}
		for _, text := range whole {
			m := Message{raw: []byte(text)}
			for name, value := range m.Headers() {
				_, _ = name, value
			}
			_ = m.sound(seal{})
		}
	})
}
