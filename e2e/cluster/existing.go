package cluster

// KubeconfigVariable names a kubeconfig whose cluster the tests use instead of
// bringing one up. KUBECONFIG itself does not: nobody's cluster is written to by
// accident.
const KubeconfigVariable = "INITBOX_E2E_KUBECONFIG"
