"""Links between pages: from the city to a unit, from a unit to a document, the shown time kept."""

TO_UNIT = "/d/trunk-unit?var-unit=${__value.raw}&${__url_time_range}"
TO_SERVICE = "/d/trunk-pipeline?var-service=${__value.raw}&${__url_time_range}"
TO_QUEUES = "/d/trunk-queues"
