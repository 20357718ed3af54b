"""Executors of the serverless services: Lambda, EventBridge, Step Functions, queues, alarms, schedules, API Gateway."""
