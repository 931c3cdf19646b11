package realinflux

import (
	"net/http"
	"testing"

	"github.com/go-chi/chi"
	"github.com/go-chi/chi/middleware"
	"github.com/influxdata/influxdb/v2"
	"github.com/influxdata/influxdb/v2/authorization"
	"github.com/influxdata/influxdb/v2/kit/metric"
	"github.com/influxdata/influxdb/v2/kit/platform/errors"
	kithttp "github.com/influxdata/influxdb/v2/kit/transport/http"
	"github.com/influxdata/influxdb/v2/kv"
	"github.com/influxdata/influxdb/v2/label"
	"github.com/influxdata/influxdb/v2/secret"
	"github.com/influxdata/influxdb/v2/tenant"
	legacy "github.com/influxdata/influxdb/v2/v1/authorization"
	"go.uber.org/zap"
)

const version = "v2.9.1"

// Server is InfluxDB OSS as far as a token audit meets it. Its methods end the
// test when InfluxDB refuses what they ask for.
type Server struct {
	http.Handler
	t testing.TB

	store          store
	tenants        *tenant.Service
	authorizations influxdb.AuthorizationService
	legacy         *legacy.Service
}

// New starts an empty server that ends with the test. hashed is --use-hashed-tokens,
// the default since 2.9; otherwise tokens are stored, and shown, in clear.
func New(t testing.TB, hashed bool) *Server {
	t.Helper()
	s := &Server{t: t, store: newStore(t)}
	s.tenants = tenant.NewSystem(tenant.NewStore(s.store.kv), zap.NewNop(), s.store.metrics, false, metric.WithSuffix("new"))
	// Deleting an org asks for its tasks.
	s.tenants.Apply(tenant.WithTaskService(kv.NewService(zap.NewNop(), s.store.kv, s.tenants)))
	stored, err := authorization.NewStore(t.Context(), s.store.kv, hashed)
	s.check(err)
	s.authorizations = authorization.NewService(stored, s.tenants)
	storedLegacy, err := legacy.NewStore(s.store.kv)
	s.check(err)
	s.legacy = legacy.NewService(storedLegacy, s.tenants)
	s.Handler = s.root()
	return s
}

func (s *Server) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal("InfluxDB: ", err)
	}
}

// root answers /metrics without a token and has all else authenticated before it
// is routed.
func (s *Server) root() http.Handler {
	r := chi.NewRouter()
	r.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("X-Influxdb-Build", "OSS")
			w.Header().Add("X-Influxdb-Version", version)
			next.ServeHTTP(w, r)
		})
	})
	r.Mount("/metrics", s.store.metrics.HTTPHandler())
	r.Mount("/", kithttp.SkipOptions(kithttp.SetCORS(s.authenticated(s.api()))))
	return r
}

func (s *Server) api() http.Handler {
	api := kithttp.NewAPI()
	r := chi.NewRouter()
	r.NotFound(func(w http.ResponseWriter, r *http.Request) {
		api.Err(w, r, &errors.Error{Code: errors.ENotFound, Msg: "path not found"})
	})
	r.Use(kithttp.SkipOptions, middleware.StripSlashes, kithttp.SetCORS)
	for _, h := range s.handlers() {
		r.Mount(h.Prefix(), h)
	}
	return r
}

// handlers stacks services and handlers as cmd/influxd/launcher/launcher.go does.
func (s *Server) handlers() []kithttp.ResourceHandler {
	log := zap.NewNop()
	checked := authorization.NewAuthMetrics(s.store.metrics, authorization.NewAuthedAuthorizationService(s.authorizations, s.tenants))
	checkedLegacy := authorization.NewAuthedAuthorizationService(s.legacy, s.tenants)
	passwords := legacy.NewAuthedPasswordService(legacy.AuthFinder(s.legacy), s.legacy)
	secrets, err := secret.NewStore(s.store.kv)
	s.check(err)
	labels, err := label.NewStore(s.store.kv)
	s.check(err)
	return []kithttp.ResourceHandler{
		authorization.NewHTTPAuthHandler(log, authorization.NewAuthLogger(log, checked), s.tenants),
		legacy.NewHTTPAuthHandler(log, authorization.NewAuthLogger(log, checkedLegacy), passwords, s.tenants),
		s.tenants.NewUserHTTPHandler(log),
		s.tenants.NewMeHTTPHandler(log),
		s.tenants.NewOrgHTTPHandler(log, secret.NewAuthedService(secret.NewService(secrets))),
		s.tenants.NewBucketHTTPHandler(log, label.NewService(labels)),
	}
}
