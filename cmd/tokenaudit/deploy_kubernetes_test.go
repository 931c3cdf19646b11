package main

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The types below are those of Kubernetes, as far as our manifests use them: a key
// that is not here is misspelt, or is to be looked up in the reference first.

type meta struct {
	Name        string            `yaml:"name"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

type claim struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   meta   `yaml:"metadata"`
	Spec       struct {
		AccessModes []string `yaml:"accessModes"`
		Resources   struct {
			Requests map[string]string `yaml:"requests"`
		} `yaml:"resources"`
	} `yaml:"spec"`
}

type template struct {
	Metadata meta `yaml:"metadata"`
	Spec     pod  `yaml:"spec"`
}

type pod struct {
	SecurityContext struct {
		RunAsNonRoot        bool              `yaml:"runAsNonRoot"`
		RunAsUser           int               `yaml:"runAsUser"`
		RunAsGroup          int               `yaml:"runAsGroup"`
		FSGroup             int               `yaml:"fsGroup"`
		FSGroupChangePolicy string            `yaml:"fsGroupChangePolicy"`
		SeccompProfile      map[string]string `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	AutomountServiceAccountToken  *bool       `yaml:"automountServiceAccountToken"`
	EnableServiceLinks            *bool       `yaml:"enableServiceLinks"`
	TerminationGracePeriodSeconds int         `yaml:"terminationGracePeriodSeconds"`
	RestartPolicy                 string      `yaml:"restartPolicy"`
	Containers                    []container `yaml:"containers"`
	Volumes                       []struct {
		Name      string `yaml:"name"`
		ConfigMap struct {
			Name string `yaml:"name"`
		} `yaml:"configMap"`
		PersistentVolumeClaim struct {
			ClaimName string `yaml:"claimName"`
		} `yaml:"persistentVolumeClaim"`
		EmptyDir struct {
			SizeLimit string `yaml:"sizeLimit"`
		} `yaml:"emptyDir"`
	} `yaml:"volumes"`
}

type container struct {
	Name    string   `yaml:"name"`
	Image   string   `yaml:"image"`
	Args    []string `yaml:"args"`
	EnvFrom []struct {
		SecretRef struct{ Name string } `yaml:"secretRef"`
	} `yaml:"envFrom"`
	SecurityContext struct {
		AllowPrivilegeEscalation *bool               `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRootFilesystem   bool                `yaml:"readOnlyRootFilesystem"`
		Capabilities             map[string][]string `yaml:"capabilities"`
	} `yaml:"securityContext"`
	Resources struct {
		Requests map[string]string `yaml:"requests"`
		Limits   map[string]string `yaml:"limits"`
	} `yaml:"resources"`
	Ports []struct {
		Name          string `yaml:"name"`
		ContainerPort int    `yaml:"containerPort"`
	} `yaml:"ports"`
	LivenessProbe  *probe `yaml:"livenessProbe"`
	ReadinessProbe *probe `yaml:"readinessProbe"`
	VolumeMounts   []struct {
		Name      string `yaml:"name"`
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTPGet          struct{ Path, Port string } `yaml:"httpGet"`
	PeriodSeconds    int                         `yaml:"periodSeconds"`
	TimeoutSeconds   int                         `yaml:"timeoutSeconds"`
	FailureThreshold int                         `yaml:"failureThreshold"`
}

type cronJob struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   meta   `yaml:"metadata"`
	Spec       struct {
		Schedule                   string `yaml:"schedule"`
		ConcurrencyPolicy          string `yaml:"concurrencyPolicy"`
		StartingDeadlineSeconds    int    `yaml:"startingDeadlineSeconds"`
		SuccessfulJobsHistoryLimit int    `yaml:"successfulJobsHistoryLimit"`
		FailedJobsHistoryLimit     int    `yaml:"failedJobsHistoryLimit"`
		JobTemplate                struct {
			Spec struct {
				BackoffLimit          *int     `yaml:"backoffLimit"`
				ActiveDeadlineSeconds int      `yaml:"activeDeadlineSeconds"`
				Template              template `yaml:"template"`
			} `yaml:"spec"`
		} `yaml:"jobTemplate"`
	} `yaml:"spec"`
}

type deployment struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string `yaml:"kind"`
	Metadata   meta   `yaml:"metadata"`
	Spec       struct {
		Replicas int               `yaml:"replicas"`
		Strategy map[string]string `yaml:"strategy"`
		Selector struct {
			MatchLabels map[string]string `yaml:"matchLabels"`
		} `yaml:"selector"`
		Template template `yaml:"template"`
	} `yaml:"spec"`
}

// manifest decodes the claim of a file and the object that uses it.
func manifest(t *testing.T, name string, object any) {
	t.Helper()
	documents := strings.Split(readDeploy(t, "kubernetes/"+name), "\n---\n")
	if len(documents) != 2 {
		t.Fatalf("%s has %d documents", name, len(documents))
	}
	var c claim
	for i, into := range []any{&c, object} {
		if err := yaml.UnmarshalWithOptions([]byte(documents[i]), into, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if c.Kind != "PersistentVolumeClaim" || c.APIVersion != "v1" || c.Metadata.Name != "tokenaudit" {
		t.Errorf("claim %+v", c)
	}
}

func TestCronJob(t *testing.T) {
	var c cronJob
	manifest(t, "cronjob.yaml", &c)
	if c.APIVersion != "batch/v1" || c.Kind != "CronJob" || c.Spec.ConcurrencyPolicy != "Forbid" {
		t.Errorf("%+v", c)
	}
	spec := c.Spec.JobTemplate.Spec
	if spec.BackoffLimit == nil || *spec.BackoffLimit != 0 || spec.Template.Spec.RestartPolicy != "Never" {
		t.Error("a failed call is repeated before the next hour")
	}
	checkPod(t, spec.Template.Spec)
}

func TestDeployment(t *testing.T) {
	var d deployment
	manifest(t, "deployment.yaml", &d)
	if d.APIVersion != "apps/v1" || d.Kind != "Deployment" || d.Spec.Replicas != 1 || d.Spec.Strategy["type"] != "Recreate" {
		t.Errorf("%+v: two processes could want the ledger", d)
	}
	if app := d.Spec.Selector.MatchLabels["app"]; app == "" || app != d.Spec.Template.Metadata.Labels["app"] {
		t.Error("the selector does not find the pod")
	}
	main := d.Spec.Template.Spec.Containers[0]
	if main.LivenessProbe.HTTPGet.Path != "/healthz" || main.ReadinessProbe.HTTPGet.Path != "/readyz" || main.Ports[0].Name != main.LivenessProbe.HTTPGet.Port {
		t.Errorf("probes %+v, %+v", main.LivenessProbe, main.ReadinessProbe)
	}
	checkPod(t, d.Spec.Template.Spec)
}

// checkPod: as little as it needs, and every volume is one that there is.
func checkPod(t *testing.T, p pod) {
	t.Helper()
	main, sc := p.Containers[0], p.Containers[0].SecurityContext
	if !p.SecurityContext.RunAsNonRoot || p.SecurityContext.RunAsUser == 0 || p.SecurityContext.SeccompProfile["type"] != "RuntimeDefault" {
		t.Errorf("pod: %+v", p.SecurityContext)
	}
	if !sc.ReadOnlyRootFilesystem || sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation || sc.Capabilities["drop"][0] != "ALL" {
		t.Errorf("container: %+v", sc)
	}
	if p.AutomountServiceAccountToken == nil || *p.AutomountServiceAccountToken {
		t.Error("the pod gets a token of Kubernetes")
	}
	checkCommand(t, "the pod", main.Args)
	mounted := map[string]string{}
	for _, m := range main.VolumeMounts {
		mounted[m.Name] = m.MountPath
	}
	for _, v := range p.Volumes {
		if mounted[v.Name] == "" {
			t.Errorf("volume %s is not mounted", v.Name)
		}
		delete(mounted, v.Name)
	}
	if len(mounted) > 0 {
		t.Errorf("there are no volumes for %v", mounted)
	}
}
