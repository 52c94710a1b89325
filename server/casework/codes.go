package casework
