// SPDX-License-Identifier: Apache-2.0

// Writes and reads through go-redis without pause until SIGTERM, then reads back everything that was
// acknowledged. Usage: client ADDRESS:PORT. Prints what load.py prints.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

const workers = 4

type worker struct {
	id           int
	acknowledged []int
	failures     []string
	wrong        int
	operations   int
	last         time.Time
	gap          time.Duration
	recentGap    atomic.Int64
}

func (w *worker) key(n int) string { return fmt.Sprintf("go:%d:%d", w.id, n) }

// done notes how one operation ended.
func (w *worker) done(err error) bool {
	w.operations++
	if err != nil {
		w.failures = append(w.failures, err.Error())
		return false
	}
	now := time.Now()
	if gap := now.Sub(w.last); !w.last.IsZero() {
		w.gap = max(w.gap, gap)
		w.recentGap.Store(max(w.recentGap.Load(), int64(gap)))
	}
	w.last = now
	return true
}

func (w *worker) run(ctx context.Context, client *redis.ClusterClient) {
	for n := 0; ctx.Err() == nil; n++ {
		if w.done(client.Set(context.Background(), w.key(n), n, 0).Err()) {
			w.acknowledged = append(w.acknowledged, n)
		}
		if len(w.acknowledged) > 0 {
			which := w.acknowledged[(n*7919)%len(w.acknowledged)]
			value, err := client.Get(context.Background(), w.key(which)).Result()
			if w.done(err) && value != strconv.Itoa(which) {
				w.wrong++
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// tellRecentGaps answers each SIGUSR1 with the longest gap since the one before, in milliseconds.
func tellRecentGaps(list []*worker) {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	for range asked {
		longest := int64(0)
		for _, w := range list {
			longest = max(longest, w.recentGap.Swap(0))
		}
		fmt.Println(time.Duration(longest).Milliseconds())
	}
}

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: os.Args[1:]})
	if err := client.Ping(ctx).Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("running")
	var all sync.WaitGroup
	list := make([]*worker, workers)
	for i := range list {
		list[i] = &worker{id: i}
		all.Add(1)
		go func(w *worker) { defer all.Done(); w.run(ctx, client) }(list[i])
	}
	go tellRecentGaps(list)
	all.Wait()

	operations, lost, gap, failures := 0, 0, time.Duration(0), []string{}
	for _, w := range list {
		operations += w.operations
		failures = append(failures, w.failures...)
		lost += w.wrong
		gap = max(gap, w.gap)
		for _, n := range w.acknowledged {
			value, err := client.Get(context.Background(), w.key(n)).Result()
			if err != nil || value != strconv.Itoa(n) {
				lost++
			}
		}
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{
		"client": "go-redis", "operations": operations, "failures": failures, "lost": lost,
		"gapMilliseconds": gap.Milliseconds()})
}
