// gVisor's fdbased link endpoint, as its netstack uses it, with a dispatcher that only counts.
//
//	fdbased -role receive  -mode readv|recvmmsg|mmap [-eth] [-gso BYTES]      reads fd 3
//	fdbased -role transmit -batch N -head HEX -size BYTES [-eth] [-gso BYTES] writes fd 3
//	fdbased -role echo     -mode readv|recvmmsg                               answers on fd 3
//
// Nothing is done to it or left out of it: its own buffers, batch sizes and ring geometry.
package main

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"time"

	"gvisor.dev/gvisor/pkg/bufferv2"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/link/fdbased"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
)

const fd = 3

var (
	role    = flag.String("role", "receive", "receive, transmit or echo")
	mode    = flag.String("mode", "readv", "readv, recvmmsg or mmap")
	eth     = flag.Bool("eth", false, "frames have an Ethernet header")
	gso     = flag.Uint("gso", 0, "GSOMaxSize; above 0 every frame has a virtio-net header")
	batch   = flag.Int("batch", fdbased.BatchSize, "packets per WritePackets")
	head    = flag.String("head", "", "first bytes of a frame, hexadecimal")
	size    = flag.Int("size", 64, "bytes of a frame")
	warm    = flag.Int("warm-ms", 100, "warm-up in milliseconds")
	measure = flag.Int("measure-ms", 250, "window in milliseconds")
)

type counter struct{ window *window }

func (c counter) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, pkt stack.PacketBufferPtr) {
	c.window.count(pkt.Size())
}

func (counter) DeliverLinkPacket(tcpip.NetworkProtocolNumber, stack.PacketBufferPtr, bool) {}

type echo struct{ link stack.LinkEndpoint }

func (e echo) DeliverNetworkPacket(_ tcpip.NetworkProtocolNumber, pkt stack.PacketBufferPtr) {
	answer := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: pkt.ToBuffer()})
	write(e.link, []stack.PacketBufferPtr{answer})
	answer.DecRef()
}

func (echo) DeliverLinkPacket(tcpip.NetworkProtocolNumber, stack.PacketBufferPtr, bool) {}

func write(link stack.LinkEndpoint, packets []stack.PacketBufferPtr) (int, tcpip.Error) {
	var list stack.PacketBufferList
	for _, packet := range packets {
		list.PushBack(packet)
	}
	return link.WritePackets(list)
}

func open(closed func()) stack.LinkEndpoint {
	modes := map[string]fdbased.PacketDispatchMode{
		"readv": fdbased.Readv, "recvmmsg": fdbased.RecvMMsg, "mmap": fdbased.PacketMMap,
	}
	link, err := fdbased.New(&fdbased.Options{
		FDs: []int{fd}, MTU: 65535, EthernetHeader: *eth, GSOMaxSize: uint32(*gso), PacketDispatchMode: modes[*mode],
		ClosedFunc: func(tcpip.Error) { closed() },
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return link
}

// transmit writes the same packets over and over, as the other peers do.
func transmit(w *window) {
	link := open(func() {})
	bytes := make([]byte, *size)
	if _, err := hex.Decode(bytes, []byte(*head)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	packets := make([]stack.PacketBufferPtr, *batch)
	for i := range packets {
		packets[i] = stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: bufferv2.MakeWithData(bytes)})
		if *gso > 0 && *size > 1514 {
			packets[i].GSOOptions = stack.GSO{Type: stack.GSOTCPv4, NeedsCsum: true, CsumOffset: 16, MSS: 1448, L3HdrLen: 20}
		}
	}
	sayReady()
	for end := time.Now().Add(w.warm + w.measure + patience); w.ended.IsZero() && time.Now().Before(end); {
		sent, err := write(link, packets)
		for i := 0; i < sent; i++ {
			w.count(*size)
		}
		if err != nil {
			w.tick()
			time.Sleep(50 * time.Microsecond) // it cannot tell when there is room again
		}
	}
}

func main() {
	flag.Parse()
	w := &window{warm: time.Duration(*warm) * time.Millisecond, measure: time.Duration(*measure) * time.Millisecond}
	done := make(chan struct{}, 1)
	switch *role {
	case "transmit":
		transmit(w)
		w.print()
	case "echo":
		link := open(func() { done <- struct{}{} })
		link.Attach(echo{link})
		sayReady()
		<-done
	default:
		open(func() {}).Attach(counter{w})
		sayReady()
		w.waitQuiet()
		w.print()
	}
}
