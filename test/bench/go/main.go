// The minimal Go client: decodes each message of Tetragon's stream in full and counts it.
// go-client SOCKET; a line on standard input is answered with the count.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"sync/atomic"

	"github.com/cilium/tetragon/api/v1/tetragon"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

func main() {
	const window = 8 << 20
	connection, err := grpc.NewClient("unix://"+os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)))
	if err != nil {
		log.Fatal(err)
	}
	stream, err := tetragon.NewFineGuidanceSensorsClient(connection).GetEvents(context.Background(), &tetragon.GetEventsRequest{})
	if err != nil {
		log.Fatal(err)
	}
	var count atomic.Int64
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			fmt.Println(count.Load())
		}
		os.Exit(0)
	}()
	for {
		if _, err := stream.Recv(); err != nil {
			log.Fatal(err)
		}
		count.Add(1)
	}
}
