"""What a script does with gql: a query with variables, partial data, and a refusal. Prints what it got as JSON."""

import asyncio
import json
import sys

from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport

TEAM = """
query Team($account: AccountInput, $first: Int) {
  teamMembers(account: $account, first: $first) {
    nodes { id name }
    pageInfo { endCursor hasNextPage }
  }
}
"""


async def main(url: str, schema: str) -> None:
    transport = HTTPXAsyncTransport(url=url, headers={"accept": "application/graphql-response+json"})
    with open(schema) as file:
        client = Client(transport=transport, schema=file.read())
    async with client as session:
        account = {"email": "ops@tall-pines.example", "type": "CUSTOM_USER"}
        request = GraphQLRequest(TEAM, variable_values={"account": account, "first": 3})
        team = (await session.execute(request))["teamMembers"]

        # An error of one field comes as an exception that has the data of the others.
        try:
            await session.execute(gql("{ teamMembers(first: -1) { totalCount } roles { id } }"))
            partial = None
        except TransportQueryError as error:
            codes = [one["extensions"]["code"] for one in error.errors]
            partial = {"codes": codes, "roles": len(error.data["roles"])}

    print(json.dumps({"members": len(team["nodes"]), "more": team["pageInfo"]["hasNextPage"], "partial": partial}))


asyncio.run(main(*sys.argv[1:]))
