// Package argocd collects from Argo CD: the syncs of Applications, as deployments. One request tells of all applications
// whether anything has happened; only those where something has are read.
//
// # Identity of a deployment
//
// The same sync is seen in three places: in the application's history (status.history, once it has succeeded), as its
// latest operation (status.operationState, while it runs and however it ended), and in a notification that Argo CD pushes.
// All three must make one record, whoever makes it:
//
//   - Provider is "argocd", Scope the application's name (metadata.name), which is what the annotation argocd/app-name
//     binds. Where the source is configured with qualified_names it is namespace/name.
//   - ID is when the operation started, in UTC to the second: 2026-11-25T03:15:54Z. That is operationState.startedAt, and
//     the same instant is deployStartedAt of the entry that the operation leaves in the history: Argo CD copies it. An
//     application has one operation at a time, and retries of an operation keep its start. The number that the history
//     gives its entries is not used: a running or failed operation has none, and it begins again at 0 when an application
//     is made anew. An entry without deployStartedAt (written before Argo CD 1.8) has the ID "history-" and its number.
//   - Attempt is 1. Retries are part of the operation.
//   - Status is that of operationState.phase: Running and Terminating are running, Succeeded is succeeded, Failed and Error
//     are failed; Failed with a message that begins with "Operation terminated" is cancelled: somebody stopped it. StatusRaw
//     is the phase as it is written; of a history entry it is "Succeeded".
//   - CreatedAt and StartedAt are the start, FinishedAt is operationState.finishedAt or the entry's deployedAt.
//   - SHA is the revision where that is a commit (40 or 64 hexadecimal digits), of an application with several sources the
//     first that is, those that only lend values (ref) coming last. Version is the first revision that is none: the version
//     of a chart. Ref is the targetRevision of the source that SHA or Version is of.
//   - Actor is initiatedBy.username, Trigger "automated" where initiatedBy.automated, else "manual" where there is a username.
//   - Not made: a dry run (operation.sync.dryRun), and a self-heal: an automated sync of selected resources
//     (operation.sync.resources) or of the same revisions and sources as the entry before it.
package argocd
