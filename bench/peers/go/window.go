// The window that every program of the benchmark measures in; see peers/c/bench.h.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

const (
	tickPackets = 64
	quiet       = 100 * time.Millisecond
	patience    = 3 * time.Second
)

// window counts packets. All of it but packets belongs to the goroutine that counts; packets is also read, never
// written, by whoever waits for the end: one word, with GOMAXPROCS 1.
type window struct {
	warm, measure         time.Duration
	first, started, ended time.Time
	packets, bytes        int64
	packets0, bytes0      int64
	packets1, bytes1      int64
	usage0, usage1        syscall.Rusage
}

func (w *window) count(bytes int) {
	w.bytes += int64(bytes)
	w.packets++
	if w.packets&(tickPackets-1) == 0 {
		w.tick()
	}
}

func (w *window) tick() {
	if !w.ended.IsZero() {
		return
	}
	now := time.Now()
	if w.first.IsZero() {
		w.first = now
	}
	if w.started.IsZero() {
		if now.Sub(w.first) < w.warm {
			return
		}
		w.started, w.packets0, w.bytes0 = now, w.packets, w.bytes
		syscall.Getrusage(syscall.RUSAGE_SELF, &w.usage0)
	} else if now.Sub(w.started) >= w.measure {
		syscall.Getrusage(syscall.RUSAGE_SELF, &w.usage1)
		w.ended, w.packets1, w.bytes1 = now, w.packets, w.bytes
	}
}

// waitQuiet returns when nothing has been counted for a while.
func (w *window) waitQuiet() {
	last, since := int64(-1), time.Now()
	for {
		limit := quiet
		if w.ended.IsZero() {
			limit = patience
		}
		if w.packets != last {
			last, since = w.packets, time.Now()
		} else if time.Since(since) > limit {
			return
		}
		time.Sleep(quiet / 4)
	}
}

func (w *window) print() {
	if w.ended.IsZero() {
		fmt.Printf("{\"error\":\"no full window\",\"total\":%d}\n", w.packets)
		return
	}
	fmt.Printf("{\"packets\":%d,\"bytes\":%d,\"seconds\":%.6f,\"userNs\":%d,\"systemNs\":%d,\"total\":%d}\n",
		w.packets1-w.packets0, w.bytes1-w.bytes0, w.ended.Sub(w.started).Seconds(),
		w.usage1.Utime.Nano()-w.usage0.Utime.Nano(), w.usage1.Stime.Nano()-w.usage0.Stime.Nano(), w.packets)
}

func sayReady() {
	fmt.Fprintln(os.Stdout, `{"ready":true}`)
}
