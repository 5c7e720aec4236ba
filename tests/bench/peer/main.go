// SPDX-License-Identifier: Apache-2.0

// The peer of ./bench.sh webhook: controller-runtime's webhook server with ten of our rules, written
// as its documentation shows. It listens on 127.0.0.1 until it is told to end.
//
//	usage: peer PORT FOLDER      FOLDER holds webhook.crt and webhook.key
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

type mutator struct{ decoder admission.Decoder }

func (m mutator) Handle(_ context.Context, request admission.Request) admission.Response {
	workload := &appsv1.StatefulSet{}
	if err := m.decoder.Decode(request, workload); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if !isCluster(workload) {
		return admission.Allowed("")
	}
	complete(workload)
	mended, err := json.Marshal(workload)
	if err != nil {
		return admission.Errored(http.StatusInternalServerError, err)
	}
	return admission.PatchResponseFromRaw(request.Object.Raw, mended)
}

type validator struct{ decoder admission.Decoder }

func (v validator) Handle(_ context.Context, request admission.Request) admission.Response {
	workload := &appsv1.StatefulSet{}
	if err := v.decoder.Decode(request, workload); err != nil {
		return admission.Errored(http.StatusBadRequest, err)
	}
	if !isCluster(workload) {
		return admission.Allowed("")
	}
	refusals, warnings := judge(workload)
	if len(refusals) > 0 {
		return admission.Denied(fmt.Sprint(refusals)).WithWarnings(warnings...)
	}
	return admission.Allowed("").WithWarnings(warnings...)
}

func run(port int, folder string) error {
	scheme := runtime.NewScheme()
	if err := appsv1.AddToScheme(scheme); err != nil {
		return err
	}
	log.SetLogger(zap.New())
	server := webhook.NewServer(webhook.Options{
		Host: "127.0.0.1", Port: port, CertDir: folder, CertName: "webhook.crt", KeyName: "webhook.key"})
	decoder := admission.NewDecoder(scheme)
	server.Register("/mutate", &admission.Webhook{Handler: mutator{decoder}})
	server.Register("/validate", &admission.Webhook{Handler: validator{decoder}})
	return server.Start(ctrl.SetupSignalHandler())
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: peer PORT FOLDER")
		os.Exit(2)
	}
	port, err := strconv.Atoi(os.Args[1])
	if err == nil {
		err = run(port, os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
