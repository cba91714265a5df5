// A webhook receiver for Go 1.19 or newer, of the standard library alone.
//
// WEBHOOK_SECRET=whsec_... go run receiver.go 9000
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const mostBytes = 1_000_000

var (
	key  []byte
	lock sync.Mutex
	seen = map[string]bool{} // in your database: the ids of events that you have had
)

type event struct {
	ID   string `json:"id"`
	Type string `json:"type"`
	Data struct {
		JobID string `json:"job_id"`
	} `json:"data"`
}

// isOurs tells whether the sender knows the secret, and signed this not long ago.
func isOurs(headers http.Header, body []byte) bool {
	sentAt := headers.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(sentAt, 10, 64)
	if err != nil || seconds < time.Now().Unix()-300 || seconds > time.Now().Unix()+300 {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.", headers.Get("webhook-id"), sentAt)
	mac.Write(body)
	wanted := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for _, given := range strings.Split(headers.Get("webhook-signature"), " ") {
		if hmac.Equal(wanted, []byte(given)) {
			return true
		}
	}
	return false
}

func receive(answer http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(answer, request.Body, mostBytes))
	if err != nil || request.Method != http.MethodPost || !isOurs(request.Header, body) {
		answer.WriteHeader(http.StatusBadRequest)
		return
	}
	var told event
	if err := json.Unmarshal(body, &told); err != nil {
		answer.WriteHeader(http.StatusBadRequest)
		return
	}
	lock.Lock()
	if !seen[told.ID] { // the same event may come twice
		seen[told.ID] = true
		fmt.Println(told.Type, told.Data.JobID)
	}
	lock.Unlock()
	answer.WriteHeader(http.StatusNoContent)
}

func main() {
	var err error
	key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(os.Getenv("WEBHOOK_SECRET"), "whsec_"))
	if err != nil || len(key) == 0 {
		log.Fatal("WEBHOOK_SECRET is not set to a secret")
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(receive)))
}
