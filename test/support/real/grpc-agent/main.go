// A gRPC server of grpc-go that speaks enough of Tetragon's service to play recorded messages: what the tests
// against real systems and the benchmarks read from. It answers GetVersion and GetHealth, and sends to each
// subscriber of GetEvents the messages of a recording (u32 big-endian length, bytes), one DATA frame each.
//
//	grpc-agent -listen unix:/path/agent.sock -recording storm.bin [-count N] [-rate N] …
//
// Prints one line of JSON for each connection, call and end of a stream, the first with the address.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
)

var (
	listen      = flag.String("listen", "127.0.0.1:0", "unix:/path or host:port")
	recording   = flag.String("recording", "", "messages to send, each behind its length")
	count       = flag.Int("count", -1, "messages to each subscriber; -1: the recording once")
	rate        = flag.Float64("rate", 0, "messages a second; 0: as fast as they are read")
	hold        = flag.Bool("hold", false, "keep the stream open after the last message")
	end         = flag.String("end", "", "status to end the stream with: CODE or CODE:message")
	cert        = flag.String("cert", "", "certificate (TLS)")
	key         = flag.String("key", "", "its key")
	clientCA    = flag.String("client-ca", "", "CA that client certificates must be of")
	maxAge      = flag.Duration("max-age", 0, "GOAWAY after a connection has lasted so long")
	grace       = flag.Duration("grace", time.Second, "then its end")
	minPing     = flag.Duration("min-ping", 5*time.Minute, "pings more often are punished (grpc-go's default)")
	ping        = flag.Duration("ping", 2*time.Hour, "ping the client after so long without activity")
	pingTimeout = flag.Duration("ping-timeout", 20*time.Second, "and end the connection if it does not answer")
)

// raw hands bytes through.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func (raw) Name() string { return "proto" }

// tell prints one line of JSON.
func tell(what string, fields map[string]any) {
	if fields == nil {
		fields = map[string]any{}
	}
	fields["event"] = what
	line, _ := json.Marshal(fields)
	fmt.Println(string(line))
}

// connections tells of connections that begin and end.
type connections struct{}

func (connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (connections) HandleRPC(context.Context, stats.RPCStats)                         {}
func (connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (connections) HandleConn(_ context.Context, s stats.ConnStats) {
	switch s.(type) {
	case *stats.ConnBegin:
		tell("connected", nil)
	case *stats.ConnEnd:
		tell("disconnected", nil)
	}
}

func readRecording(path string) [][]byte {
	if path == "" {
		return nil
	}
	bytes, err := os.ReadFile(path)
	if err != nil {
		log.Fatal(err)
	}
	var messages [][]byte
	for len(bytes) >= 4 {
		length := binary.BigEndian.Uint32(bytes)
		messages = append(messages, bytes[4:4+length])
		bytes = bytes[4+length:]
	}
	return messages
}

func unary(path string, answer []byte) grpc.MethodDesc {
	return grpc.MethodDesc{
		MethodName: path,
		Handler: func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var request []byte
			if err := decode(&request); err != nil {
				return nil, err
			}
			tell(path, nil)
			return answer, nil
		},
	}
}

// play sends the messages at the rate asked for.
func play(messages [][]byte, stream grpc.ServerStream) (int, error) {
	total := *count
	if total < 0 {
		total = len(messages)
	}
	began := time.Now()
	for sent := 0; sent < total; sent++ {
		if *rate > 0 {
			due := began.Add(time.Duration(float64(sent) / *rate * float64(time.Second)))
			if wait := time.Until(due); wait > time.Millisecond {
				time.Sleep(wait)
			}
		}
		if err := stream.SendMsg(messages[sent%len(messages)]); err != nil {
			return sent, err
		}
	}
	return total, nil
}

// ending is the status that -end asks for.
func ending() error {
	if *end == "" {
		return nil
	}
	name, message, _ := strings.Cut(*end, ":")
	var code codes.Code
	if err := code.UnmarshalJSON([]byte(`"` + name + `"`)); err != nil {
		log.Fatal(err)
	}
	return status.Error(code, message)
}

func events(messages [][]byte) grpc.StreamDesc {
	return grpc.StreamDesc{
		StreamName:    "GetEvents",
		ServerStreams: true,
		Handler: func(_ any, stream grpc.ServerStream) error {
			var request []byte
			if err := stream.RecvMsg(&request); err != nil {
				return err
			}
			from, _ := peer.FromContext(stream.Context())
			tell("GetEvents", map[string]any{"request_bytes": len(request), "tls": from.AuthInfo != nil})
			sent, err := play(messages, stream)
			if err == nil && *hold {
				<-stream.Context().Done()
				err = stream.Context().Err()
			}
			tell("ended", map[string]any{"sent": sent, "error": fmt.Sprint(err)})
			if err != nil {
				return err
			}
			return ending()
		},
	}
}

func transportCredentials() grpc.ServerOption {
	pair, err := tls.LoadX509KeyPair(*cert, *key)
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if *clientCA != "" {
		pem, err := os.ReadFile(*clientCA)
		if err != nil {
			log.Fatal(err)
		}
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(pem)
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return grpc.Creds(credentials.NewTLS(config))
}

func main() {
	flag.Parse()
	messages := readRecording(*recording)
	network, address := "tcp", *listen
	if path, found := strings.CutPrefix(*listen, "unix:"); found {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	options := []grpc.ServerOption{
		grpc.ForceServerCodec(raw{}),
		grpc.StatsHandler(connections{}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: *minPing}),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: *maxAge, MaxConnectionAgeGrace: *grace, Time: *ping, Timeout: *pingTimeout,
		}),
	}
	if *cert != "" {
		options = append(options, transportCredentials())
	}
	server := grpc.NewServer(options...)
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "tetragon.FineGuidanceSensors",
		Methods:     []grpc.MethodDesc{unary("GetVersion", []byte("\x0a\x06v1.7.0")), unary("GetHealth", nil)},
		Streams:     []grpc.StreamDesc{events(messages)},
	}, nil)
	tell("listening", map[string]any{"address": listener.Addr().String()})
	log.Fatal(server.Serve(listener))
}
