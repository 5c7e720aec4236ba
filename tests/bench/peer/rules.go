// SPDX-License-Identifier: Apache-2.0
package main

import (
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

const (
	clientPort = 6379
	busPort    = 16379
)

func isCluster(workload *appsv1.StatefulSet) bool {
	_, labelled := workload.Spec.Template.Labels["appCluster"]
	return labelled || strings.Contains(serverOf(workload).Image, "redis")
}

func serverOf(workload *appsv1.StatefulSet) *corev1.Container {
	if len(workload.Spec.Template.Spec.Containers) == 0 {
		return &corev1.Container{}
	}
	return &workload.Spec.Template.Spec.Containers[0]
}

func declares(container *corev1.Container, port int32) bool {
	for _, it := range container.Ports {
		if it.ContainerPort == port {
			return true
		}
	}
	return false
}

// RC001, RC004, RC021, RC022, RC061 and RC062: what is missing is filled in.
func complete(workload *appsv1.StatefulSet) {
	pod := &workload.Spec.Template.Spec
	server := serverOf(workload)
	if pod.Affinity == nil || pod.Affinity.PodAntiAffinity == nil {
		pod.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
				Weight: 100, PodAffinityTerm: corev1.PodAffinityTerm{
					LabelSelector: workload.Spec.Selector, TopologyKey: "kubernetes.io/hostname"}}}}}
	}
	if len(pod.TopologySpreadConstraints) == 0 {
		pod.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: "topology.kubernetes.io/zone",
			WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: workload.Spec.Selector}}
	}
	if !declares(server, clientPort) {
		server.Ports = append(server.Ports, corev1.ContainerPort{Name: "redis", ContainerPort: clientPort})
	}
	if !declares(server, busPort) {
		server.Ports = append(server.Ports, corev1.ContainerPort{Name: "cluster", ContainerPort: busPort})
	}
	if pod.TerminationGracePeriodSeconds == nil {
		seconds := int64(60)
		pod.TerminationGracePeriodSeconds = &seconds
	}
	if len(server.Resources.Requests) == 0 {
		server.Resources.Requests = corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("100Mi")}
	}
}

// RC006, RC011, RC063 and RC066: what is there is judged.
func judge(workload *appsv1.StatefulSet) (refusals, warnings []string) {
	server := serverOf(workload)
	if workload.Spec.Replicas != nil && *workload.Spec.Replicas < 6 {
		refusals = append(refusals, "[RC006] spec.replicas: three masters with a replica each need six pods")
	}
	if workload.Spec.PodManagementPolicy != appsv1.ParallelPodManagement {
		warnings = append(warnings, "[RC011] spec.podManagementPolicy: Parallel starts the pods side by side")
	}
	if !strings.Contains(server.Image, ":") || strings.HasSuffix(server.Image, ":latest") {
		warnings = append(warnings, "[RC063] the image names no version")
	}
	if server.SecurityContext != nil && server.SecurityContext.Privileged != nil && *server.SecurityContext.Privileged {
		refusals = append(refusals, "[RC066] the container is privileged")
	}
	return refusals, warnings
}
