package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"github.com/dxctl/dxctl/web/actionplan"
	"github.com/dxctl/dxctl/web/api"
)

// fail turns an error into a page, or for the API into a problem document (RFC 9457).
func (a *app) fail(c *fiber.Ctx, err error) error {
	status := fiber.StatusInternalServerError
	var known *fiber.Error
	if errors.As(err, &known) {
		status = known.Code
	} else {
		a.deps.Logger.Error("request failed", "path", c.Path(), "error", err)
	}
	c.Response().ResetBody()
	if strings.HasPrefix(c.Path(), api.InsightPath) {
		return insightProblem(c, status, err.Error())
	}
	if strings.HasPrefix(c.Path(), "/api/") {
		return a.problem(c, status, err)
	}
	if status == fiber.StatusMisdirectedRequest || strings.HasPrefix(c.Path(), "/assets/") {
		c.Set(fiber.HeaderContentType, "text/plain; charset=utf-8")
		c.Set(fiber.HeaderCacheControl, "no-store")
		return c.Status(status).SendString(err.Error() + "\n")
	}
	page, renderErr := a.pages.Error(status, err.Error())
	if renderErr != nil {
		return c.Status(status).SendString(err.Error())
	}
	c.Set(fiber.HeaderContentType, page.Type)
	c.Set(fiber.HeaderCacheControl, "no-cache, private")
	return c.Status(status).Send(page.Body)
}

// problem is the shape of every error of the API. That of a plan has more.
func (a *app) problem(c *fiber.Ctx, status int, cause error) error {
	problem := api.ActionProblem{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: cause.Error(), Instance: c.Path(),
	}
	if unplanned, ok := errors.AsType[*actionplan.Error](cause); ok {
		problem.Inputs, problem.Choices = unplanned.Inputs, unplanned.Choices
	}
	doc, err := json.Marshal(problem)
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, "application/problem+json")
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(status).Send(doc)
}

// insightErrors are the names by which the clients of Backstage tell errors apart.
var insightErrors = map[int]string{
	fiber.StatusBadRequest: "InputError", fiber.StatusNotFound: "NotFoundError",
	fiber.StatusMethodNotAllowed: "NotAllowedError", fiber.StatusServiceUnavailable: "ServiceUnavailableError",
}

// insightProblem is the shape of the errors of the Tech Insights API, which the clients of Backstage read.
func insightProblem(c *fiber.Ctx, status int, detail string) error {
	name, known := insightErrors[status]
	if !known {
		name = "Error"
	}
	doc, err := json.Marshal(api.InsightProblem{
		Error:    api.InsightProblemError{Name: name, Message: detail},
		Request:  api.InsightProblemRequest{Method: c.Method(), URL: c.Path()},
		Response: api.InsightProblemResponse{StatusCode: status},
	})
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Set(fiber.HeaderCacheControl, "no-store")
	return c.Status(status).Send(doc)
}
