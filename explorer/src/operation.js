// Which operation of the editor's document is asked for.

import { parse } from "graphql";

/**
 * The request without the name of an operation that its document does not have. GraphiQL takes a moment to notice that another
 * tab has another operation; who presses play within that moment would be told that the last tab's operation is missing.
 */
export function ownOperation(request) {
  const { operationName, ...rest } = request;
  try {
    const named = ({ kind, name }) => kind === "OperationDefinition" && name?.value === operationName;
    return parse(request.query).definitions.some(named) ? request : rest;
  } catch {
    // Not a document: the service says where.
    return request;
  }
}
