package realinflux

import (
	"net/http"
	"strings"

	"github.com/influxdata/influxdb/v2"
	icontext "github.com/influxdata/influxdb/v2/context"
	"github.com/influxdata/influxdb/v2/kit/platform/errors"
	kithttp "github.com/influxdata/influxdb/v2/kit/transport/http"
	"go.uber.org/zap"
)

// authenticated lets a token in as http/authentication_middleware.go of v2.9.1
// does: an inactive token passes, to be refused by each permission check; an owner
// that is inactive and one that cannot be found are the same 403. Sessions and
// JWTs are left out.
func (s *Server) authenticated(next http.Handler) http.Handler {
	refuse := kithttp.NewErrorHandler(zap.NewNop())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := s.caller(r)
		if err != nil {
			refuse.HandleHTTPError(r.Context(), err, w)
			return
		}
		next.ServeHTTP(w, r.WithContext(icontext.SetAuthorizer(r.Context(), caller)))
	})
}

func (s *Server) caller(r *http.Request) (*influxdb.Authorization, error) {
	a, err := s.authorizations.FindAuthorizationByToken(r.Context(), bearer(r))
	if err != nil {
		return nil, &errors.Error{Code: errors.EUnauthorized, Msg: "unauthorized access"}
	}
	owner, err := s.tenants.FindUserByID(r.Context(), a.UserID)
	if err != nil || owner.Status == influxdb.Inactive {
		return nil, &errors.Error{Code: errors.EForbidden, Msg: "User is inactive"}
	}
	return a, nil
}

func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Token") || strings.EqualFold(scheme, "Bearer") {
		return token
	}
	return ""
}
