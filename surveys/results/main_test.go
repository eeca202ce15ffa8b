package results_test

import (
	"os"
	"testing"

	"github.com/dxctl/dxctl/store/storetest"
)

func TestMain(m *testing.M) { os.Exit(storetest.Run(m)) }
